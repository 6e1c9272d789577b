import { describe, expect, test } from 'bun:test';
import { formatRunConfig, parseRunConfig, type RunConfig } from './run-config.ts';

/** The container example of spec 02 §1.8, spelled as the reference writes it. */
const EXAMPLE = `{
  "schema_version": "v0.1.0",
  "image": "ghcr.io/acme/fetch:1.2.0",
  "cmd_args": [
    "--verbose"
  ],
  "name": "fetch",
  "container_name": "fetch",
  "base_name": "fetch",
  "transport": "stdio",
  "host": "127.0.0.1",
  "port": 21345,
  "target_host": "127.0.0.1",
  "permission_profile": {
    "name": "network",
    "network": {
      "outbound": {
        "insecure_allow_all": true
      },
      "inbound": {}
    }
  },
  "env_vars": {
    "LOG": "a\\u003cb\\u0026c",
    "MCP_TRANSPORT": "stdio"
  },
  "container_labels": {
    "team": "core",
    "toolhive": "true"
  },
  "secrets": [
    "tok,target=API_KEY"
  ],
  "proxy_mode": "sse",
  "group": "default",
  "ignore_config": {
    "LoadGlobal": true,
    "PrintOverlays": false
  },
  "middleware_configs": [
    {
      "type": "auth",
      "parameters": {}
    },
    {
      "type": "recovery",
      "parameters": null
    }
  ]
}
`;

describe('run config', () => {
  test('the resolved image comes last, and keeps what a newer version says about it', () => {
    const resolved_image = {
      reference: 'a:1',
      digest: `sha256:${'0'.repeat(64)}`,
      provenance: { from: 'build', source: 'npx://a', builder: 'x' },
      signer: 'y',
    };
    const text = formatRunConfig(
      parseRunConfig(JSON.stringify({ resolved_image, image: 'a:1', transport: 'stdio' })),
    );
    expect(JSON.parse(text).resolved_image).toEqual(resolved_image);
    expect(Object.keys(JSON.parse(text)).at(-1)).toBe('resolved_image');
  });

  test('is written back byte for byte as the reference wrote it', () => {
    expect(formatRunConfig(parseRunConfig(EXAMPLE))).toBe(EXAMPLE);
  });

  test('keeps keys that it does not know', () => {
    const written = formatRunConfig(parseRunConfig('{"transport":"stdio","from_the_future":{"a":[1]}}'));
    expect(JSON.parse(written)).toMatchObject({ from_the_future: { a: [1] } });
  });

  test('writes the keys that are always there even when they are empty, and leaves the others out', () => {
    expect(JSON.parse(formatRunConfig(parseRunConfig('{"transport":"sse"}')))).toEqual({
      schema_version: 'v0.1.0',
      image: '',
      name: '',
      transport: 'sse',
      host: '127.0.0.1',
      port: 0,
      permission_profile: null,
      proxy_mode: 'sse',
    });
  });

  test('sorts maps by key', () => {
    const written = formatRunConfig(parseRunConfig('{"transport":"stdio","env_vars":{"b":"2","a":"1"}}'));
    expect(Object.keys(JSON.parse(written).env_vars)).toEqual(['a', 'b']);
  });

  const fieldOf = (key: keyof RunConfig, document: string) => parseRunConfig(document)[key];
  test.each([
    ['key names match in any case', 'transport', '{"Transport":"stdio"}', 'stdio'],
    ['transports may be in capitals', 'transport', '{"transport":"STREAMABLE-HTTP"}', 'streamable-http'],
    [
      'a stdio document without a proxy mode means streamable-http',
      'proxy_mode',
      '{"transport":"stdio"}',
      'streamable-http',
    ],
    ['a stdio document keeps its mode', 'proxy_mode', '{"transport":"stdio","proxy_mode":"sse"}', 'sse'],
    [
      'an HTTP transport is its own mode',
      'proxy_mode',
      '{"transport":"streamable-http","proxy_mode":"sse"}',
      'streamable-http',
    ],
    ['null maps become empty', 'env_vars', '{"transport":"stdio","env_vars":null}', {}],
    [
      'both keys of ignore_config are there',
      'ignore_config',
      '{"transport":"stdio","ignore_config":{}}',
      { LoadGlobal: true, PrintOverlays: false },
    ],
    ['null lists become empty', 'cmd_args', '{"transport":"stdio","cmd_args":null}', []],
    ['only the first JSON value is read', 'name', '{"transport":"stdio","name":"a"} {"name":"b"}', 'a'],
  ] as const)('%s', (_, key, document, expected) => {
    expect<unknown>(fieldOf(key, document)).toEqual(expected);
  });

  test.each([
    ['{', 'not valid JSON: '],
    [
      '{"transport":"tcp"}',
      'transport: invalid transport mode: tcp. Valid modes are: sse, streamable-http, stdio',
    ],
    ['{}', 'transport: invalid transport mode: . Valid modes are: sse, streamable-http, stdio'],
    ['{"transport":"stdio","port":70000}', 'port: '],
    ['{"transport":"Stdio"}', 'transport: invalid transport mode: Stdio.'],
  ])('%j is refused: %s', (document, message) => {
    expect(() => parseRunConfig(document)).toThrow(message);
  });
});
