import { describe, expect, test } from 'bun:test';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger } from '../platform/index.ts';
import { formatRunConfig, parseRunConfig } from '../records/run-config.ts';
import { parseNewWorkloadName } from '../records/workload-name.ts';
import { buildRunConfig } from './build-run-config.ts';
import { readToolsOverride } from './tools-override.ts';
import type { RunRequest } from './types.ts';

function fileWith(content: string): string {
  const path = join(mkdtempSync(join(tmpdir(), 'thv-override-')), 'override.json');
  writeFileSync(path, content);
  return path;
}

describe('tools override', () => {
  test('is read, empty parts left out', async () => {
    const path = fileWith('{"toolsOverride":{"a":{"name":"x","description":""},"b":{"description":"d"}}}');
    expect(await readToolsOverride(path)).toEqual({ a: { name: 'x' }, b: { description: 'd' } });
  });

  test.each([
    ['{}', 'tools override are empty'],
    ['{"toolsOverride":{}}', 'tools override are empty'],
    ['{"toolsOverride":{"a":{}}}', 'tool override for a must have either Name or Description set'],
    ['{"toolsOverride":{"a":{"name":"x"},"b":{"name":"x"}}}', 'tools a and b are both overridden to x'],
    [
      '{"toolsOverride":{"a":{"name":7}}}',
      'toolsOverride.a.name: Invalid type: Expected string but received 7',
    ],
    ['[', 'not valid JSON: JSON Parse error: Unexpected EOF'],
  ])('%s is refused', async (content, message) => {
    const refused = readToolsOverride(fileWith(content));
    await expect(refused).rejects.toThrow(`failed to load tools override: ${message}`);
  });

  test('that is not there is refused', async () => {
    await expect(readToolsOverride('/nonexistent/o.json')).rejects.toThrow(
      'failed to load tools override: ENOENT',
    );
  });
});

const REQUEST: RunRequest = {
  source: 'img',
  serverArguments: [],
  name: undefined,
  group: 'default',
  transport: 'streamable-http',
  proxyMode: 'sse',
  proxyPort: 0,
  host: '127.0.0.1',
  targetPort: 0,
  targetHost: '127.0.0.1',
  environment: [],
  environmentFile: undefined,
  environmentFolder: undefined,
  secrets: [],
  labels: [],
  volumes: [],
  publish: [],
  permissionProfile: undefined,
  networkMode: '',
  tools: [],
  toolsOverrideFile: undefined,
  allowedOrigins: [],
  trustProxyHeaders: false,
  strictProtocolValidation: false,
  stateless: false,
  sessionTtlMs: 0,
  endpointPrefix: '',
  debug: false,
};

describe('the document of a run', () => {
  const facts = {
    name: parseNewWorkloadName('srv'),
    image: 'img',
    reservedPorts: new Set<number>(),
    logger: silentLogger,
  };

  test('stores how the proxy is to behave, with the keys of the reference', async () => {
    const config = await buildRunConfig(
      {
        ...REQUEST,
        tools: ['x'],
        toolsOverrideFile: fileWith('{"toolsOverride":{"a":{"name":"x"}}}'),
        allowedOrigins: ['http://o'],
        trustProxyHeaders: true,
        strictProtocolValidation: true,
        stateless: true,
        sessionTtlMs: 1_800_000,
        endpointPrefix: '/p',
      },
      facts,
    );
    const written = formatRunConfig(config);
    expect(formatRunConfig(parseRunConfig(written))).toBe(written);
    const parameters = { filter_tools: ['x'], tools_override: { a: { name: 'x', description: '' } } };
    expect(JSON.parse(written)).toMatchObject({
      allowed_origins: ['http://o'],
      trust_proxy_headers: true,
      strict_protocol_validation: true,
      stateless: true,
      session_ttl: '30m0s',
      tools_filter: ['x'],
      tools_override: { a: { name: 'x' } },
      endpoint_prefix: '/p',
      middleware_configs: [
        { type: 'tool-filter', parameters },
        { type: 'tool-call-filter', parameters },
        { type: 'auth', parameters: {} },
        { type: 'mcp-parser', parameters: {} },
        { type: 'recovery', parameters: null },
      ],
    });
  });

  test('leaves out what was not asked for', async () => {
    const document = JSON.parse(formatRunConfig(await buildRunConfig(REQUEST, facts)));
    const keys = ['tools_filter', 'tools_override', 'stateless', 'session_ttl', 'strict_protocol_validation'];
    expect(Object.keys(document).filter((key) => keys.includes(key))).toEqual([]);
    expect(document.middleware_configs).toHaveLength(3);
  });

  test('is refused for a stateless stdio server', async () => {
    const refused = buildRunConfig({ ...REQUEST, transport: 'stdio', stateless: true }, facts);
    await expect(refused).rejects.toThrow(
      'failed to validate run config: --stateless requires streamable-HTTP or SSE transport, got stdio',
    );
  });
});
