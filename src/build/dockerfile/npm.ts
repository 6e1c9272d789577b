import { shellWord } from './instructions.ts';
import type { Recipe } from './types.ts';

export const npm: Recipe = {
  builderEnvironment: [
    `ENV NODE_ENV=production \\
    NPM_CONFIG_LOGLEVEL=error \\
    NPM_CONFIG_FUND=false \\
    NPM_CONFIG_AUDIT=false \\
    NPM_CONFIG_UPDATE_NOTIFIER=false \\
    NPM_CONFIG_PROGRESS=false`,
  ],
  authFile: 'npmrc',
  install({ reference: { name, version } }) {
    const wanted = version === undefined ? name : `${name}@${version}`;
    return [
      `RUN echo '{"name":"mcp-container","version":"1.0.0"}' > package.json`,
      `RUN npm install --save ${shellWord(wanted)}`,
    ];
  },
  finish: () => [
    'COPY --from=builder --chown=appuser:appgroup /build/node_modules /app/node_modules',
    'COPY --from=builder --chown=appuser:appgroup /build/package*.json /app/',
    // npx finds the package in /app and asks nobody, if it is kept from looking for a newer npm.
    `ENV NODE_PATH=/app/node_modules \\
    PATH=/app/node_modules/.bin:$PATH \\
    NPM_CONFIG_UPDATE_NOTIFIER=false`,
  ],
  entrypoint: ({ reference, entrypointArguments }) => ['npx', reference.name, ...entrypointArguments],
};
