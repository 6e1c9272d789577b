import { describe, expect, test } from 'bun:test';
import { COMPLETION_SCRIPTS, type Shell } from './completion-scripts.ts';

const SHELLS: readonly Shell[] = ['bash', 'zsh', 'fish', 'powershell'];

/** What the shell's script makes of an answer, for shells that are installed: its candidates, one a line. */
const answer = 'printf "stop\\tStop it\\nstart\\tStart it\\n:4\\n"';

describe.each(SHELLS)('%s', (shell) => {
  test('asks the hidden command it was made for', () => {
    expect(COMPLETION_SCRIPTS[shell]('__complete')).toContain(' __complete ');
    expect(COMPLETION_SCRIPTS[shell]('__completeNoDesc')).toContain(' __completeNoDesc ');
  });

  test.skipIf(Bun.which(shell) === null || shell === 'powershell')('is valid', () => {
    const { exitCode, stderr } = Bun.spawnSync([shell, '-n', '/dev/stdin'], {
      stdin: Buffer.from(COMPLETION_SCRIPTS[shell]('__complete')),
    });
    expect({ exitCode, stderr: stderr.toString() }).toEqual({ exitCode: 0, stderr: '' });
  });
});

function bash(words: readonly string[], reply = answer): readonly string[] {
  const script = `${COMPLETION_SCRIPTS.bash('__complete')}
thv() { printf '%s\\n' "$*" >&3; ${reply}; }
COMP_WORDS=(${['thv', ...words].map((word) => `'${word}'`).join(' ')})
COMP_CWORD=${words.length}
exec 3>&1
_thv
printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout } = Bun.spawnSync(['bash', '-c', script], { stderr: 'ignore' });
  return stdout.toString().trimEnd().split('\n');
}

describe.skipIf(Bun.which('bash') === null)('bash', () => {
  test('shows several candidates with their descriptions', () => {
    expect(bash(['st'])).toEqual(['__complete st', 'stop  (Stop it)', 'start  (Start it)']);
  });

  test('inserts a single candidate without its description', () => {
    expect(bash(['run', 'x', 'sto'], 'printf "stop\\tStop it\\n:4\\n"')).toEqual([
      '__complete run x sto',
      'stop',
    ]);
  });

  test('completes an empty word', () => {
    expect(bash(['stop', ''], 'printf "fetch\\n:4\\n"')).toEqual(['__complete stop ', 'fetch']);
  });
});
