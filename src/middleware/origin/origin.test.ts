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
  const proxy = { bindHost, port: 8080, trustProxyHeaders, allowedOrigins: allowed };
  return { middleware: createOrigin({}, { log, proxy }), lines };
}

async function answerTo(
  setting: Setting,
  headers: Record<string, string>,
  init: RequestInit = {},
): Promise<Response> {
  const { middleware } = build(setting);
  const through = () => new Response('through');
  return await (middleware ?? through)(new Request('http://x', { headers, ...init }), context, through);
}

async function statusOf(...request: Parameters<typeof answerTo>): Promise<number> {
  return (await answerTo(...request)).status;
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

  test('that is refused says how to allow it', async () => {
    const response = await answerTo({}, { Origin: 'http://localhost:6274' });
    expect(await response.json()).toEqual({
      jsonrpc: '2.0',
      error: {
        code: -32_600,
        message: 'Origin not allowed',
        data: {
          origin: 'http://localhost:6274',
          remedy:
            'to let pages of http://localhost:6274 use this server, run it with --allowed-origins http://localhost:6274',
        },
      },
    });
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

describe('a page without Origin, as a GET of another page is', () => {
  test.each([
    ['cross-site', 403],
    ['same-site', 403],
    ['anything-new', 403],
    ['', 403],
    ['same-origin', 200],
    ['none', 200],
  ])('Sec-Fetch-Site %p: %p', async (site, expected) => {
    expect(await statusOf({}, { 'Sec-Fetch-Site': site })).toBe(expected);
  });

  test('with an Origin that the user allowed the site does not matter', async () => {
    const headers = { Origin: 'http://a', 'Sec-Fetch-Site': 'cross-site' };
    expect(await statusOf({ allowed: ['http://a'] }, headers)).toBe(200);
  });
});

describe('a body of a page', () => {
  const sent = (type: string, origin?: string) =>
    statusOf(
      {},
      { ...(origin === undefined ? {} : { Origin: origin }), 'Content-Type': type },
      { method: 'POST', body: Buffer.from('{}') },
    );

  test.each([
    ['application/json', 200],
    ['application/json; charset=utf-8', 200],
    ['text/plain', 415],
    ['', 415],
    ['application/x-www-form-urlencoded', 415],
  ])('of type %p: %p', async (type, expected) => {
    expect(await sent(type, 'http://localhost:8080')).toBe(expected);
    expect(await sent(type)).toBe(200);
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
