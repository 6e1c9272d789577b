import { describe, expect, test } from 'bun:test';
import { requirePackageReference } from '../package-reference.ts';
import { type RuntimeOverride, resolveRuntimeSettings } from '../runtime-settings.ts';
import { renderDockerfile } from './render.ts';
import type { BuildPlan } from './types.ts';

function dockerfile(text: string, plan: Partial<BuildPlan> = {}, flags: RuntimeOverride = {}): string {
  const reference = requirePackageReference(text);
  return renderDockerfile({
    reference,
    runtime: resolveRuntimeSettings(reference.scheme, { flags }),
    buildEnvironment: {},
    secretEnvironment: [],
    buildArguments: [],
    certificates: new Set(),
    authFiles: new Set(),
    entrypointArguments: [],
    localTarget: undefined,
    filesPrefix: '',
    ...plan,
  });
}

/** The instructions, continued lines joined. */
const instructions = (text: string) =>
  text
    .replaceAll('\\\n', '')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));

describe('renderDockerfile', () => {
  test.each<[string, string, Partial<BuildPlan>, RuntimeOverride]>([
    [
      'npx://@launchdarkly/mcp-server',
      'ENTRYPOINT ["npx", "@launchdarkly/mcp-server", "start"]',
      { entrypointArguments: ['start'] },
      {},
    ],
    ['npx://@launchdarkly/mcp-server@1.2.3', 'ENTRYPOINT ["npx", "@launchdarkly/mcp-server"]', {}, {}],
    ['npx://example-package', 'RUN npm install --save example-package\n', {}, {}],
    ['npx://@s/p@^1.2.3', "RUN npm install --save '@s/p@^1.2.3'\n", {}, {}],
    ['uvx://example-package', 'ENTRYPOINT ["sh", "-c", "exec \'example-package\' \\"$@\\"", "--"]', {}, {}],
    ['uvx://example-package', 'uv tool install "$package_spec"', {}, {}],
    ['uvx://example-package[a,b]@1.0', "package_spec='example-package[a,b]==1.0'", {}, {}],
    ['uvx://example-package@latest', "package_spec='example-package'", {}, {}],
    [
      'uvx://example-package',
      "uv tool install --with 'mcp<2' --with 'other>=1,<4' \"$package_spec\"",
      {},
      { build_with: ['mcp<2', 'other>=1,<4'] },
    ],
    [
      'uvx://example-package',
      'COPY --from=builder --chown=appuser:appgroup /opt/uv-tools /opt/uv-tools',
      {},
      {},
    ],
    // A folder of its own: an image may bring tools in the usual one.
    ['go://host/o/r', 'if GOBIN=/build/bin go install "$package"; then', {}, {}],
    ['go://host/o/r', "package='host/o/r@latest'", {}, {}],
    ['go://./cmd/server', 'go build -o /app/mcp-server ./cmd/server', { localTarget: './cmd/server' }, {}],
    ['go://host/o/r', 'ENTRYPOINT ["/app/mcp-server", "serve"]', { entrypointArguments: ['serve'] }, {}],
  ])('%s has %s', (text, part, plan, flags) => {
    expect(dockerfile(text, plan, flags)).toContain(part);
  });

  test.each(['uvx://a', 'npx://a', 'go://a.b/c'])('%s without settings has nothing of them', (text) => {
    const content = dockerfile(text);
    expect(content).not.toContain('update-ca-certificates');
    expect(content).not.toContain('Add custom CA certificate');
    expect(content).not.toMatch(/COPY \.|environment variables|_CERT|host-ca/);
    expect(instructions(content).filter((line) => line.startsWith('ARG '))).toEqual(['ARG THV_BUILT_AT']);
  });

  test('every line is an instruction, a comment, or goes on with the one before', () => {
    const full: Partial<BuildPlan> = {
      buildEnvironment: { B: '2 $HOME', A: '1' },
      secretEnvironment: ['TOKEN'],
      buildArguments: ['PIP_INDEX_URL'],
      certificates: new Set(['custom', 'host']),
      authFiles: new Set(['npmrc', 'netrc', 'yarnrc']),
      entrypointArguments: ['a "b"', 'back\\slash', 'new\nline', '$HOME', '`id`', ']'],
    };
    for (const text of ['uvx://a', 'npx://a', 'go://a.b/c', 'go://./c']) {
      const plan = text === 'go://./c' ? { ...full, localTarget: './c', filesPrefix: '.thv-build/' } : full;
      const lines = instructions(dockerfile(text, plan));
      for (const line of lines) expect(line).toMatch(/^(?:FROM|RUN|ENV|ARG|COPY|WORKDIR|USER|ENTRYPOINT) /);
      const words: readonly string[] = JSON.parse(lines.at(-1)?.replace('ENTRYPOINT ', '') ?? '');
      // Python's go through a shell, each in single quotes; the others are words of their own.
      if (text === 'uvx://a')
        expect(words[2]).toBe(`exec 'a' 'a "b"' 'back\\slash' 'new\nline' '$HOME' '\`id\`' ']' "$@"`);
      else expect(words.slice(-6)).toEqual([...(full.entrypointArguments ?? [])]);
    }
  });

  test('build environment is for the builder stage, runtime environment for the other; dollars stay dollars', () => {
    const content = dockerfile(
      'npx://a',
      { buildEnvironment: { Z_TOKEN: 'x', NPM_CONFIG_X: 'a $HOME' } },
      { runtime_env: { LOG_LEVEL: 'debug' } },
    );
    const [builder = '', final = ''] = content.split(/\n(?=FROM )/);
    expect(builder).toContain(
      '# Custom build environment variables\nENV NPM_CONFIG_X="a \\$HOME"\nENV Z_TOKEN="x"\n',
    );
    expect(final).not.toContain('Z_TOKEN');
    expect(final).toContain('# Custom runtime environment variables\nENV LOG_LEVEL="debug"\n');
  });

  test('logins are copied in the builder stage only, for the tools of the scheme', () => {
    const copies = (text: string) =>
      instructions(dockerfile(text, { authFiles: new Set(['npmrc', 'netrc', 'yarnrc']) })).filter((line) =>
        /^(?:COPY \.|FROM)/.test(line),
      );
    expect(copies('npx://a').map((line) => line.slice(0, 24))).toEqual([
      'FROM node:24-alpine AS b',
      'COPY .npmrc /root/.npmrc',
      'FROM node:24-alpine',
    ]);
    expect(copies('uvx://a')[1]).toBe('COPY .netrc /root/.netrc');
    expect(copies('go://a.b/c')[1]).toBe('COPY .netrc /root/.netrc');
  });

  test('a CA is trusted before anything is fetched, in both stages, and survives the installation of packages (B14)', () => {
    const content = dockerfile('npx://a', { certificates: new Set(['custom']) });
    for (const stage of content.split(/\n(?=FROM )/)) {
      const order = [
        'Add custom CA certificate BEFORE',
        'apk add',
        'update-ca-certificates',
        'NODE_EXTRA_CA_CERTS=',
      ];
      const places = order.map((part) => stage.indexOf(part));
      expect(places).not.toContain(-1);
      expect(places).toEqual([...places].sort((one, other) => one - other));
    }
  });
});
