import { describe, expect, test } from 'bun:test';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createHttpClient, type HttpClientOptions } from '../../src/registry/http-client.ts';

const PRIVATE = 'the provided URL redirects to a private IP address, which is not allowed';

/** Servers on two addresses of this machine; the second stands for a private network, the first for a public one. */
function startServer(answer: (request: Request) => Response, hostname = '0.0.0.0') {
  const hits: string[] = [];
  const server = Bun.serve({
    hostname,
    port: 0,
    fetch(request) {
      hits.push(`${request.headers.get('host')}${new URL(request.url).pathname}`);
      return answer(request);
    },
  });
  return { port: server.port ?? 0, hits, [Symbol.asyncDispose]: () => server.stop(true) };
}

const NAMES: Readonly<Record<string, readonly string[]>> = {
  'public.test': ['127.0.0.1'],
  'private.test': ['127.0.0.2'],
  'both.test': ['127.0.0.2', '127.0.0.1'],
  'dead-first.test': ['127.0.0.3', '127.0.0.1'],
};

function client(options: Partial<HttpClientOptions> = {}) {
  return createHttpClient({
    allowPrivateAddress: false,
    env: { INSECURE_DISABLE_URL_VALIDATION: 'TRUE' },
    resolve: async (host) => {
      const addresses = NAMES[host];
      if (addresses === undefined) throw new Error('no such name');
      return addresses;
    },
    isBlocked: (address) => address === '127.0.0.2',
    ...options,
  });
}

const REQUEST = { timeoutMs: 5000 };

describe('addresses', () => {
  test('the one that was checked is dialled, with the name in the request', async () => {
    await using server = startServer(() => new Response('hello'));
    const answer = await client().request(`http://public.test:${server.port}/x`, REQUEST);
    expect(answer).toEqual({ status: 200, contentType: 'text/plain;charset=utf-8', body: 'hello' });
    expect(server.hits).toEqual([`public.test:${server.port}/x`]);
  });

  test.each(['http://private.test', 'http://127.0.0.2'])('%s is refused without a request', async (base) => {
    await using server = startServer(() => new Response('secret'));
    await expect(client().request(`${base}:${server.port}/`, REQUEST)).rejects.toThrow(PRIVATE);
    expect(server.hits).toEqual([]);
  });

  test.each(['http://private.test', 'http://127.0.0.2'])('a redirect to %s is refused', async (base) => {
    await using server = startServer((request) =>
      new URL(request.url).pathname === '/start'
        ? new Response(null, { status: 302, headers: { Location: `${base}:${server.port}/secret` } })
        : new Response('secret'),
    );
    await expect(client().request(`http://public.test:${server.port}/start`, REQUEST)).rejects.toThrow(
      PRIVATE,
    );
    expect(server.hits).toEqual([`public.test:${server.port}/start`]);
  });

  test('of a name with several only the allowed ones are dialled', async () => {
    await using server = startServer(() => new Response('ok'), '127.0.0.1');
    expect((await client().request(`http://both.test:${server.port}/`, REQUEST)).status).toBe(200);
  });

  test('one that does not answer is followed by the next', async () => {
    await using server = startServer(() => new Response('ok'), '127.0.0.1');
    expect((await client().request(`http://dead-first.test:${server.port}/`, REQUEST)).status).toBe(200);
  });

  test('a name without any is an error that names it', async () => {
    await expect(client().request('http://nowhere.test/', REQUEST)).rejects.toThrow(
      'failed to resolve nowhere.test: no such name',
    );
  });

  test('all are dialled when private ones are allowed', async () => {
    await using server = startServer(() => new Response('ok'));
    const open = client({ allowPrivateAddress: true, env: {} });
    expect((await open.request(`http://127.0.0.2:${server.port}/`, REQUEST)).status).toBe(200);
  });
});

describe('schemes', () => {
  test.each([
    [
      'http without leave',
      {},
      'http://public.test/',
      'URL must start with https:// when not allowing private IPs',
    ],
    [
      'another switch value',
      { INSECURE_DISABLE_URL_VALIDATION: '1' },
      'http://public.test/',
      'URL must start with https://',
    ],
    ['a file', {}, 'file:///etc/passwd', 'URL must start with http:// or https://'],
    ['no URL', {}, 'nonsense', 'invalid registry URL: nonsense'],
  ])('%s is refused', async (_what, env, url, message) => {
    await expect(client({ env }).request(url, REQUEST)).rejects.toThrow(message);
  });

  test('a redirect to a file is refused', async () => {
    await using server = startServer(
      () => new Response(null, { status: 301, headers: { Location: 'file:///etc/passwd' } }),
    );
    await expect(client().request(`http://public.test:${server.port}/`, REQUEST)).rejects.toThrow(
      'URL must start with http:// or https://',
    );
  });
});

describe('redirects', () => {
  test('are followed, relative ones too', async () => {
    await using server = startServer((request) =>
      new URL(request.url).pathname === '/a'
        ? new Response(null, { status: 307, headers: { Location: '/b' } })
        : new Response('there'),
    );
    expect((await client().request(`http://public.test:${server.port}/a`, REQUEST)).body).toBe('there');
  });

  test('that never end are given up', async () => {
    await using server = startServer(() => new Response(null, { status: 302, headers: { Location: '/' } }));
    await expect(client().request(`http://public.test:${server.port}/`, REQUEST)).rejects.toThrow(
      'stopped after 10 redirects',
    );
    expect(server.hits).toHaveLength(11);
  });

  test('to another origin are not given the credentials', async () => {
    const seen: (string | null)[] = [];
    await using other = startServer((request) => {
      seen.push(request.headers.get('authorization'));
      return new Response('ok');
    });
    await using server = startServer((request) => {
      seen.push(request.headers.get('authorization'));
      return new Response(null, { status: 302, headers: { Location: `http://public.test:${other.port}/` } });
    });
    await client().request(`http://public.test:${server.port}/`, { ...REQUEST, authorization: 'Bearer t' });
    expect(seen).toEqual(['Bearer t', null]);
  });
});

test('a server that never answers is given up in time', async () => {
  await using server = startServer(() => new Response('never'));
  const silent = Bun.listen({ hostname: '127.0.0.1', port: 0, socket: { data() {} } });
  await expect(client().request(`http://public.test:${silent.port}/`, { timeoutMs: 200 })).rejects.toThrow(
    `no answer from http://public.test:${silent.port}/ within 0.2 seconds`,
  );
  silent.stop(true);
  expect(server.hits).toEqual([]);
});

test('a body that never ends is given up in time', async () => {
  await using server = startServer(
    () =>
      new Response(
        new ReadableStream({
          async pull(controller) {
            controller.enqueue(new Uint8Array(10));
            await Bun.sleep(50);
          },
        }),
      ),
  );
  await expect(client().request(`http://public.test:${server.port}/`, { timeoutMs: 300 })).rejects.toThrow(
    'within 0.3 seconds',
  );
});

/** The certificate has to be the name's although the address is dialled; what is trusted is known at a process's start only. */
describe.skipIf(Bun.which('openssl') === null)('TLS', () => {
  async function requestOver(host: string): Promise<string> {
    const folder = await mkdtemp(join(tmpdir(), 'thv-tls-'));
    try {
      const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
      await Bun.$`openssl req -x509 -newkey rsa:2048 -nodes -keyout ${key} -out ${cert} -days 2 -subj /CN=secure.test -addext subjectAltName=DNS:secure.test`.quiet();
      const server = Bun.serve({
        hostname: '127.0.0.1',
        port: 0,
        tls: { key: Bun.file(key), cert: Bun.file(cert) },
        fetch: (request) => new Response(request.headers.get('host') ?? ''),
      });
      const child = Bun.spawn(
        [
          process.execPath,
          join(import.meta.dir, 'fixtures/https-request.ts'),
          `https://${host}:${server.port}/`,
        ],
        { env: { PATH: process.env['PATH'], NODE_EXTRA_CA_CERTS: cert }, stderr: 'inherit' },
      );
      const output = await new Response(child.stdout).text();
      const { port } = server;
      await server.stop(true);
      return output.replace(`:${port}`, '');
    } finally {
      await rm(folder, { recursive: true });
    }
  }

  test('the name in the certificate is the name in the URL', async () => {
    expect(await requestOver('secure.test')).toBe('secure.test');
  });

  test('a certificate of another name is refused', async () => {
    expect(await requestOver('other.test')).toContain('ERR_TLS_CERT_ALTNAME_INVALID');
  });
});

test('behind a proxy names are left to it, and what resolves is still checked', async () => {
  await using proxy = startServer((request) => new Response(`proxied ${new URL(request.url).host}`));
  const child = Bun.spawn(
    [
      process.execPath,
      join(import.meta.dir, 'fixtures/https-request.ts'),
      'http://unknown.test/',
      'http://private.test/',
    ],
    {
      env: {
        PATH: process.env['PATH'],
        http_proxy: `http://127.0.0.1:${proxy.port}`,
        INSECURE_DISABLE_URL_VALIDATION: 'true',
      },
      stderr: 'inherit',
    },
  );
  expect(await new Response(child.stdout).text()).toBe(`proxied unknown.test${PRIVATE}`);
});
