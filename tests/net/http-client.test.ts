import { describe, expect, test } from 'bun:test';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createHttpClient, type HttpClientOptions } from '../../src/net/http-client.ts';

/** 127.0.0.2 stands for a private network, the rest of this machine for the internet. */
function client(options: Partial<HttpClientOptions> = {}) {
  return createHttpClient({
    allowPrivateAddresses: false,
    plainHttp: 'always',
    resolve: async () => ['127.0.0.1'],
    isBlocked: (address) => address === '127.0.0.2',
    ...options,
  });
}

const REQUEST = { timeoutMs: 5000, maxBytes: 1024, redirects: 3 };

function serve(answer: (request: Request) => Response | Promise<Response>) {
  const hits: string[] = [];
  const server = Bun.serve({
    hostname: '0.0.0.0',
    port: 0,
    fetch(request) {
      hits.push(new URL(request.url).pathname);
      return answer(request);
    },
  });
  return { port: server.port, hits, [Symbol.asyncDispose]: () => server.stop(true) };
}

/** A name whose owner lets it lead inside after the first look. */
function rebinding() {
  let calls = 0;
  return {
    resolve: async () => {
      calls += 1;
      return [calls === 1 ? '127.0.0.1' : '127.0.0.2'];
    },
    get calls() {
      return calls;
    },
  };
}

const failureOf = (sent: Promise<unknown>) =>
  sent.then(
    () => 'an answer',
    (error: { readonly facts?: { readonly failed?: string } }) => error.facts?.failed ?? String(error),
  );

describe('addresses by the rules for everybody', () => {
  const strict = { isBlocked: undefined };
  test.each([
    'http://127.0.0.1/',
    'http://2130706433/',
    'http://0x7f.1/',
    'http://0177.0.0.1/',
    'http://127.1/',
    'http://127.0.0.1./',
    'http://0.0.0.0/',
    'http://169.254.169.254/latest/meta-data/',
    'http://[::1]/',
    'http://[::]/',
    'http://[::ffff:127.0.0.1]/',
    'http://[::ffff:a9fe:a9fe]/',
    'http://[64:ff9b::7f00:1]/',
    'http://[2002:7f00:1::]/',
    'http://[fe80::1]/',
    'http://[fd00::1]/',
    'http://10.0.0.1/',
  ])('%s is not asked', async (url) => {
    expect(await failureOf(client(strict).send(url, REQUEST))).toBe('private');
  });

  test.each(['localhost', 'localhost.', 'foo.localhost', 'rebound.example'])(
    'a name that leads to this machine is not asked: %s',
    async (name) => {
      expect(await failureOf(client(strict).send(`http://${name}/`, REQUEST))).toBe('private');
    },
  );

  test('a redirect to one in disguise is not followed', async () => {
    await using server = serve(
      () => new Response(null, { status: 302, headers: { Location: 'http://0x7f000002/' } }),
    );
    expect(await failureOf(client().send(`http://a.example:${server.port}/`, REQUEST))).toBe('private');
  });
});

describe('a name', () => {
  test('is resolved once, and what was checked is dialled', async () => {
    await using server = serve(() => new Response('hello'));
    const name = rebinding();
    const answer = await client(name).send(`http://a.example:${server.port}/`, REQUEST);
    expect([answer.body, name.calls]).toEqual(['hello', 1]);
  });

  test('that leads elsewhere at the second hop is refused there', async () => {
    await using server = serve(() => new Response(null, { status: 302, headers: { Location: '/next' } }));
    const name = rebinding();
    const sent = client(name).send(`http://a.example:${server.port}/first`, REQUEST);
    expect(await failureOf(sent)).toBe('private');
    expect(server.hits).toEqual(['/first']);
  });

  test('without any address is an error of the name', async () => {
    expect(await failureOf(client({ resolve: async () => [] }).send('http://a.example/', REQUEST))).toBe(
      'resolve',
    );
  });
});

describe('schemes', () => {
  test.each([
    ['never', 'http://a.example/', 'plain-http'],
    ['never', 'http://127.0.0.1/', 'plain-http'],
    ['loopback', 'http://a.example/', 'plain-http'],
    ['loopback', 'http://localhost.evil.example/', 'plain-http'],
    ['loopback', 'http://localhost./', 'plain-http'],
    ['loopback', 'http://10.0.0.1/', 'plain-http'],
    ['loopback', 'http://127.0.0.1:1/', 'connection'],
    ['loopback', 'http://localhost:1/', 'connection'],
    ['always', 'ftp://a.example/', 'protocol'],
    ['always', 'data:text/plain,x', 'protocol'],
    ['always', '//a.example', 'url'],
  ] as const)('plain HTTP %s: %s fails as %s', async (plainHttp, url, failed) => {
    const open = client({ plainHttp, allowPrivateAddresses: true });
    expect(await failureOf(open.send(url, REQUEST))).toBe(failed);
  });

  test('a redirect to plain HTTP is not followed where only this machine may be asked so', async () => {
    await using server = serve(
      () => new Response(null, { status: 307, headers: { Location: 'http://a.example/' } }),
    );
    const sent = client({ plainHttp: 'loopback', allowPrivateAddresses: true }).send(
      `http://127.0.0.1:${server.port}/`,
      REQUEST,
    );
    expect(await failureOf(sent)).toBe('plain-http');
  });
});

describe('redirects', () => {
  const away = () => new Response('moved', { status: 307, headers: { Location: '/next' } });

  test.each([
    ['none are wanted', { redirects: 0 }],
    ['the request has a body', { method: 'POST', body: 'a=b' }],
  ] as const)('are answers when %s', async (_what, request) => {
    await using server = serve(away);
    const answer = await client().send(`http://a.example:${server.port}/`, { ...REQUEST, ...request });
    expect([answer.status, answer.body, server.hits]).toEqual([307, 'moved', ['/']]);
  });

  test('are bounded', async () => {
    await using server = serve(away);
    expect(await failureOf(client().send(`http://a.example:${server.port}/`, REQUEST))).toBe('redirects');
    expect(server.hits).toHaveLength(4);
  });

  test('to another origin lose credentials and keep other headers', async () => {
    const seen: unknown[] = [];
    const note = ({ headers }: Request) =>
      seen.push([headers.get('authorization'), headers.get('x-a'), headers.get('host')?.split(':')[0]]);
    await using other = serve((request) => new Response(String(note(request))));
    await using server = serve((request) => {
      note(request);
      return new Response(null, {
        status: 302,
        headers: { Location: `http://b.example:${other.port}/` },
      });
    });
    await client().send(`http://a.example:${server.port}/`, {
      ...REQUEST,
      headers: { 'X-A': '1' },
      credentials: { Authorization: 'Bearer t' },
    });
    expect(seen).toEqual([
      ['Bearer t', '1', 'a.example'],
      [null, '1', 'b.example'],
    ]);
  });
});

describe('a body', () => {
  const endless = () =>
    new Response(new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(1000)) }));

  test('that is longer than allowed is an error', async () => {
    await using server = serve(endless);
    expect(await failureOf(client().send(`http://a.example:${server.port}/`, REQUEST))).toBe('size');
  });

  test('that is packed small counts as long as it is', async () => {
    const bomb = Bun.gzipSync(new Uint8Array(1024 * 1024));
    await using server = serve(() => new Response(bomb, { headers: { 'Content-Encoding': 'gzip' } }));
    expect(bomb.byteLength).toBeLessThan(2048);
    const sent = client().send(`http://a.example:${server.port}/`, { ...REQUEST, maxBytes: 2048 });
    expect(await failureOf(sent)).toBe('size');
  });

  test('of exactly the length allowed is read', async () => {
    await using server = serve(() => new Response('x'.repeat(1024)));
    const answer = await client().send(`http://a.example:${server.port}/`, REQUEST);
    expect(answer.body).toHaveLength(1024);
  });

  test('that nobody wants is not read', async () => {
    await using server = serve(endless);
    const answer = await client().send(`http://a.example:${server.port}/`, { ...REQUEST, maxBytes: 0 });
    expect([answer.status, answer.body]).toEqual([200, '']);
  });
});

test('the reason of the caller is what comes out when the caller gives up', async () => {
  await using server = serve(() => new Promise<Response>(() => undefined));
  const caller = new AbortController();
  const sent = client().send(`http://a.example:${server.port}/`, { ...REQUEST, signal: caller.signal });
  caller.abort(new Error('enough'));
  await expect(sent).rejects.toThrow('enough');
});

describe('proxies', () => {
  test('are those of the given environment, which may leave the scheme out', async () => {
    await using proxy = serve(() => new Response('proxied'));
    const through = client({
      resolve: () => Promise.reject(new Error('no such name')),
      proxies: { http_proxy: `127.0.0.1:${proxy.port}`, NO_PROXY: 'direct.example' },
    });
    expect((await through.send('http://a.example/', REQUEST)).body).toBe('proxied');
    expect(await failureOf(through.send('http://direct.example/', REQUEST))).toBe('resolve');
  });

  test('do not lead to an address that must not be dialled', async () => {
    await using proxy = serve(() => new Response('proxied'));
    const through = client({ proxies: { http_proxy: `http://127.0.0.1:${proxy.port}` } });
    expect(await failureOf(through.send('http://127.0.0.2/', REQUEST))).toBe('private');
    expect(proxy.hits).toEqual([]);
  });
});

describe.skipIf(Bun.which('openssl') === null)('TLS', () => {
  test('given certificates replace those of the system, and hold for the name', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'thv-tls-'));
    const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
    await Bun.$`openssl req -x509 -newkey rsa:2048 -nodes -keyout ${key} -out ${cert} -days 2 -subj /CN=secure.test -addext subjectAltName=DNS:secure.test`.quiet();
    const ca = await Bun.file(cert).text();
    const server = Bun.serve({
      hostname: '127.0.0.1',
      port: 0,
      tls: { key: Bun.file(key), cert: Bun.file(cert) },
      fetch: () => new Response('secret'),
    });
    const ask = (name: string, options: Partial<HttpClientOptions>) =>
      client(options)
        .send(`https://${name}:${server.port}/`, REQUEST)
        .then(
          ({ body }) => body,
          (error: Error) => error.message,
        );
    try {
      expect(await ask('secure.test', { ca })).toBe('secret');
      expect(await ask('other.test', { ca })).toContain('ERR_TLS_CERT_ALTNAME_INVALID');
      expect(await ask('secure.test', {})).toContain('self signed certificate');
    } finally {
      await server.stop(true);
      await rm(folder, { recursive: true });
    }
  });
});
