export type Shell = 'bash' | 'zsh' | 'fish' | 'powershell';

/**
 * Scripts that ask the program itself: `thv __complete WORDS… TYPED` answers with lines `value<TAB>description` and a
 * last line `:4` when files must not be offered. `request` is that hidden command's name.
 */
export const COMPLETION_SCRIPTS: Readonly<Record<Shell, (request: string) => string>> = {
  bash,
  zsh,
  fish,
  powershell,
};

function bash(request: string): string {
  return `# bash completion for thv

_thv() {
  local line value directive=0
  local -a values=() labels=()
  while IFS= read -r line; do
    if [[ $line == :[0-9]* ]]; then
      directive=\${line#:}
      continue
    fi
    value=\${line%%$'\\t'*}
    values+=("$value")
    if [[ $line == *$'\\t'* ]]; then
      labels+=("$value  (\${line#*$'\\t'})")
    else
      labels+=("$value")
    fi
  done < <("\${COMP_WORDS[0]}" ${request} "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)

  # Descriptions are for reading only: a single candidate is what gets inserted.
  if ((\${#values[@]} > 1)); then
    COMPREPLY=("\${labels[@]}")
  else
    COMPREPLY=("\${values[@]}")
  fi
  if ((directive & 4)); then
    compopt +o default 2>/dev/null
  fi
}

complete -o default -F _thv thv
`;
}

function zsh(request: string): string {
  return `#compdef thv
# zsh completion for thv

_thv() {
  local line directive=0
  local -a candidates
  while IFS= read -r line; do
    case $line in
      :<->) directive=\${line#:} ;;
      *$'\\t'*) candidates+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}") ;;
      *) candidates+=("\${line//:/\\\\:}") ;;
    esac
  done < <("\${words[1]}" ${request} "\${(@)words[2,CURRENT]}" 2>/dev/null)

  if (( \${#candidates} )); then
    _describe 'thv' candidates
  elif (( ! (directive & 4) )); then
    _files
  fi
}

if [[ $funcstack[1] == _thv ]]; then
  _thv "$@"
else
  compdef _thv thv
fi
`;
}

function fish(request: string): string {
  return `# fish completion for thv

function __thv_complete
    set -l typed (commandline -ct)
    set -l before (commandline -opc)
    set -l directive 0
    set -l found 0
    for line in ($before[1] ${request} $before[2..-1] "$typed" 2>/dev/null)
        if string match -qr '^:[0-9]+$' -- $line
            set directive (string sub -s 2 -- $line)
        else
            set found 1
            printf '%s\\n' $line
        end
    end
    if test $found -eq 0 -a $directive -ne 4
        __fish_complete_path $typed
    end
end

complete -c thv -f -a '(__thv_complete)'
`;
}

function powershell(request: string): string {
  return `# PowerShell completion for thv

Register-ArgumentCompleter -Native -CommandName 'thv' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    $words = @($commandAst.CommandElements |
        Where-Object { $_.Extent.StartOffset -lt $cursorPosition } |
        ForEach-Object { $_.ToString() })
    $program, $rest = $words
    $rest = @($rest)
    if ($wordToComplete -eq '') {
        # Before 7.3 an empty argument gets lost on its way to a program unless it is quoted twice.
        if ($PSVersionTable.PSVersion -lt [version]'7.3') { $rest += '""' } else { $rest += '' }
    }
    & $program ${request} @rest 2>$null | Where-Object { $_ -notmatch '^:\\d+$' } | ForEach-Object {
        $value, $description = $_ -split "\`t", 2
        if (-not $description) { $description = $value }
        [System.Management.Automation.CompletionResult]::new($value, $value, 'ParameterValue', $description)
    }
}
`;
}
