import { runLines } from './instructions.ts';
import type { Recipe } from './types.ts';

const TOOL_BIN = '/opt/uv-tools/bin';
const TOOL_FOLDERS = `UV_TOOL_DIR=/opt/uv-tools UV_TOOL_BIN_DIR=${TOOL_BIN}`;

export const python: Recipe = {
  builderEnvironment: [
    `ENV PYTHONDONTWRITEBYTECODE=1 \\
    PYTHONUNBUFFERED=1 \\
    PIP_NO_CACHE_DIR=1 \\
    PIP_DISABLE_PIP_VERSION_CHECK=1 \\
    PIP_BREAK_SYSTEM_PACKAGES=1 \\
    UV_SYSTEM_PYTHON=1 \\
    UV_PYTHON_DOWNLOADS=never \\
    UV_COMPILE_BYTECODE=1 \\
    ${TOOL_FOLDERS}`,
  ],
  authFile: 'netrc',
  install({ reference: { name, extras, version }, runtime }) {
    const extra = extras.length === 0 ? '' : `[${extras.join(',')}]`;
    const wanted = `${name}${extra}${version === undefined ? '' : `==${version}`}`;
    const further = runtime.buildWith.map((requirement) => `--with '${requirement}' `).join('');
    return [
      'RUN command -v uv >/dev/null || pip install --no-cache-dir uv',
      ...runLines(
        'set -eu',
        `package_spec='${wanted}'`,
        `uv tool install ${further}"$package_spec"`,
        `ls -l ${TOOL_BIN}`,
      ),
      ...ensureExecutable(name),
    ];
  },
  finish: () => [
    'COPY --from=builder --chown=appuser:appgroup /opt/uv-tools /opt/uv-tools',
    `ENV PYTHONDONTWRITEBYTECODE=1 \\
    PYTHONUNBUFFERED=1 \\
    ${TOOL_FOLDERS} \\
    PATH=${TOOL_BIN}:$PATH`,
  ],
  entrypoint({ reference, entrypointArguments }) {
    const words = [reference.name, ...entrypointArguments].map((word) => `'${word}'`);
    return ['sh', '-c', `exec ${words.join(' ')} "$@"`, '--'];
  },
};

/** A package whose only program has another name gets one of its own name beside it (B17). */
function ensureExecutable(name: string): readonly string[] {
  return runLines(
    'set -eu',
    `cd ${TOOL_BIN}`,
    `if [ ! -e '${name}' ]; then`,
    '  set -- *;',
    '  if [ "$#" -ne 1 ]; then set -- *mcp*; fi;',
    '  if [ "$#" -ne 1 ] || [ ! -e "$1" ]; then',
    `    echo 'error: which of its programs is the server? none is called ${name}:' >&2; ls >&2; exit 1;`,
    '  fi;',
    `  ln -s "$1" '${name}';`,
    'fi',
  );
}
