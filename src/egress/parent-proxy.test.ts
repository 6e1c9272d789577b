import { expect, test } from 'bun:test';
import { createServer as createHttp, request } from 'node:http';
import { createServer as createTcp } from 'node:net';
import { silentLogger } from '../platform/index.ts';
import { openEgressProxy } from './proxy.ts';

/** The proxy of a machine that has no other way out: it tells what it was asked, and answers itself. */
async function openParent(answer: string) {
  const asked: string[] = [];
  const server = createTcp((socket) =>
    socket
      .on('error', () => undefined)
      .once('data', (data) => {
        asked.push(data.toString());
        socket.end(answer);
      }),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return { asked, port, [Symbol.dispose]: () => void server.close() };
}

const get = (port: number, path: string, method = 'GET') =>
  new Promise<{ readonly status: number | undefined; readonly body: string }>((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, path, method, agent: false });
    sent.on('connect', (response) => resolve({ status: response.statusCode, body: '' }));
    sent.on('response', async (response) => {
      let body = '';
      for await (const chunk of response) body += chunk;
      resolve({ status: response.statusCode, body });
    });
    sent.on('error', reject).end();
  });

const open = (port: number, rules = { hosts: ['registry.invalid'], ports: [] }) =>
  openEgressProxy({ rules, logger: silentLogger, through: () => `http://me:p%40ss@127.0.0.1:${port}` });

test('a tunnel goes through the proxy of the machine, with its login', async () => {
  using parent = await openParent('HTTP/1.1 200 OK\r\n\r\n');
  await using proxy = await open(parent.port);
  expect(await get(proxy.port, 'registry.invalid:443', 'CONNECT')).toMatchObject({ status: 200 });
  expect(parent.asked).toEqual([
    'CONNECT registry.invalid:443 HTTP/1.1\r\nHost: registry.invalid:443\r\nProxy-Authorization: Basic bWU6cEBzcw==\r\n\r\n',
  ]);
});

test('a plain request keeps its whole URL for the proxy of the machine', async () => {
  using parent = await openParent('HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi');
  await using proxy = await open(parent.port);
  expect(await get(proxy.port, 'http://registry.invalid/a?b')).toEqual({ status: 200, body: 'hi' });
  expect(parent.asked[0]).toStartWith(
    'GET http://registry.invalid/a?b HTTP/1.1\r\nProxy-Authorization: Basic ',
  );
});

test('what the proxy of the machine refuses is a bad gateway', async () => {
  using parent = await openParent('HTTP/1.1 407 Who are you\r\n\r\n');
  await using proxy = await open(parent.port);
  expect(await get(proxy.port, 'registry.invalid:443', 'CONNECT')).toMatchObject({ status: 502 });
});

test('what is not granted does not reach the proxy of the machine', async () => {
  using parent = await openParent('HTTP/1.1 200 OK\r\n\r\n');
  await using proxy = await open(parent.port);
  expect(await get(proxy.port, 'other.invalid:443', 'CONNECT')).toMatchObject({ status: 403 });
  expect(parent.asked).toEqual([]);
});

test('a host that is excepted from proxies is reached directly', async () => {
  const direct = createHttp((_, response) => response.end('direct'));
  await new Promise<void>((resolve) => direct.listen(0, '127.0.0.1', resolve));
  const address = direct.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  await using proxy = await openEgressProxy({
    rules: { hosts: ['127.0.0.1'], ports: [] },
    logger: silentLogger,
    through: () => undefined,
  });
  expect(await get(proxy.port, `http://127.0.0.1:${port}/`)).toEqual({ status: 200, body: 'direct' });
  direct.close();
});
