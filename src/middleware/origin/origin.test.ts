import { describe, expect, test } from 'bun:test';
import { createLogger } from '../../platform/log.ts';
import { createOrigin } from './origin.ts';

const context = { path: '/', remoteAddress: '', keepOpen() {}, letGo() {} };

interface Setting {
  readonly allowed?: readonly string[];
  readonly bindHost?: string;
  readonly trustProxyHeaders?: boolean;
}

function build({ allowed = [], bindHost = '127.0.0.1', trustProxyHeaders = false }: Setting) {
  const lines: string[] = [];
  const log = createLogger({ write: (line) => lines.push(line) });
  const deps = { log, bindHost, port: 8080, trustProxyHeaders };
  return { middleware: createOrigin({ allowed_origins: allowed }, deps), lines };
}

async function statusOf(setting: Setting, headers: Record<string, string>): Promise<number> {
  const { middleware } = build(setting);
  const through = () => new Response('through');
  const response = await (middleware ?? through)(new Request('http://x', { headers }), context, through);
  return response.status;
}

describe('Origin', () => {
  const a = { allowed: ['http://a', 'HTTPS://B.example:443', 'http://[::1]:9'] };

  test.each([
    ['none', {}, undefined, 200],
    ['default', {}, 'http://127.0.0.1:8080', 200],
    ['default, IPv6', {}, 'http://[::1]:8080', 200],
    ['default, upper case', {}, 'HTTP://LocalHost:8080', 200],
    ['default, https', {}, 'https://localhost:8080', 403],
    ['listed', a, 'http://a', 200],
    ['listed, port spelt out', a, 'http://a:80', 403],
    ['listed in another case', a, 'https://b.EXAMPLE:443', 200],
    ['listed IPv6', a, 'http://[::1]:9', 200],
    ['the list replaces the defaults', a, 'http://localhost:8080', 403],
    ['null', {}, 'null', 403],
    ['userinfo', {}, 'http://x@localhost:8080', 403],
    ['path', {}, 'http://localhost:8080/', 403],
    ['several', {}, 'http://localhost:8080, http://localhost:8080', 403],
    ['no scheme', {}, 'localhost:8080', 403],
    ['begins alike', {}, 'http://localhost:8080.evil', 403],
  ])('%s', async (_, setting, origin, expected) => {
    expect(await statusOf(setting, origin === undefined ? {} : { Origin: origin })).toBe(expected);
  });

  test('is not checked on an open bind without a list, which is worth a warning', () => {
    const { middleware, lines } = build({ bindHost: '0.0.0.0' });
    expect(middleware).toBeUndefined();
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      {
        level: 'WARN',
        msg: 'Origin validation disabled — no allowlist configured for non-loopback bind',
      },
    ]);
  });
});

describe('Host', () => {
  test.each([
    ['our port', {}, 'localhost:8080', 200],
    ['no port', {}, '127.0.0.1', 200],
    ['IPv6', {}, '[::1]:8080', 200],
    ['upper case', {}, 'LOCALHOST:8080', 200],
    ['this machine from a container', {}, 'host.docker.internal:8080', 200],
    ['another port', {}, 'localhost:9', 403],
    ['another name', {}, 'evil.example:8080', 403],
    ['host of an allowed origin', { allowed: ['https://good.example'] }, 'good.example', 200],
    [
      'host of an allowed origin, our port',
      { allowed: ['https://good.example:1'] },
      'good.example:8080',
      200,
    ],
    ['trusted proxy in front', { trustProxyHeaders: true }, 'evil.example', 200],
    ['open bind', { bindHost: '0.0.0.0', allowed: ['http://a'] }, 'evil.example', 200],
  ])('%s', async (_, setting, host, expected) => {
    expect(await statusOf(setting, { Host: host })).toBe(expected);
  });
});
