import { runLines, shellWord } from './instructions.ts';
import type { Recipe } from './types.ts';

const BINARY = '/app/mcp-server';

export const golang: Recipe = {
  builderEnvironment: [
    `ENV CGO_ENABLED=0 \\
    GOOS=linux \\
    GO111MODULE=on`,
  ],
  authFile: 'netrc',
  install({ reference: { name, version }, localTarget, filesPrefix }) {
    if (localTarget !== undefined) {
      const leftovers = ['.netrc', '.npmrc', '.yarnrc', filesPrefix].filter((path) => path !== '');
      return [
        'COPY . /build/',
        `RUN mkdir -p /app && go build -o ${BINARY} ${shellWord(localTarget)}`,
        `RUN cd /build && rm -rf ${leftovers.join(' ')} /root/.netrc`,
      ];
    }
    return runLines(
      'set -eu',
      `package='${name}@${version ?? 'latest'}'`,
      'mkdir -p /app',
      // A folder of its own: an image may bring tools in the usual one.
      'if GOBIN=/build/bin go install "$package"; then',
      `  mv /build/bin/* ${BINARY};`,
      'else',
      // A module with replace directives cannot be installed by its path.
      '  go mod init mcp-container;',
      '  go get "$package";',
      `  go build -o ${BINARY} '${name}';`,
      'fi',
    );
  },
  finish: ({ localTarget }) => [
    ...(localTarget === undefined ? [] : ['COPY --from=builder --chown=appuser:appgroup /build/ /app/']),
    `COPY --from=builder --chown=appuser:appgroup ${BINARY} ${BINARY}`,
  ],
  entrypoint: ({ entrypointArguments }) => [BINARY, ...entrypointArguments],
};
