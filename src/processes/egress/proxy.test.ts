import { expect, test } from 'bun:test';
import { createServer, request } from 'node:http';
import { silentLogger } from '../../platform/index.ts';
import { openEgressProxy } from './proxy.ts';

const UNSERVED = '127.0.0.2';

async function ask(resolved: readonly string[], name: string): Promise<number | undefined> {
  const server = createServer((_, response) => response.end());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  await using proxy = await openEgressProxy({
    rules: { hosts: ['localhost', 'example.com'], ports: [] },
    logger: silentLogger,
    resolve: async () => resolved,
  });
  const answer = Promise.withResolvers<number | undefined>();
  request({ host: '127.0.0.1', port: proxy.port, path: `http://${name}:${port}/` }, (response) => {
    response.resume();
    answer.resolve(response.statusCode);
  }).end();
  const status = await answer.promise;
  server.close();
  return status;
}

test.each([
  ['the next address of a name is tried', [UNSERVED, '127.0.0.1'], 'localhost', 200],
  ['none that is served is a bad gateway', [UNSERVED, UNSERVED], 'localhost', 502],
  ['addresses of this machine are no choice for a name of somebody else', ['127.0.0.1'], 'example.com', 403],
] as const)('%s', async (_, resolved, name, status) => {
  expect(await ask(resolved, name)).toBe(status);
});
