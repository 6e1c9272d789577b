import { expect, test } from 'bun:test';
import { createServer, request } from 'node:http';
import { silentLogger } from '../platform/index.ts';
import { openEgressProxy } from './proxy.ts';

const UNSERVED = '127.0.0.2';

interface Answer {
  readonly status: number | undefined;
  readonly body: string;
}

async function ask(resolved: readonly string[], name: string, refusal?: string): Promise<Answer> {
  const server = createServer((_, response) => response.end());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  await using proxy = await openEgressProxy({
    rules: { hosts: ['localhost', 'example.com'], ports: [] },
    logger: silentLogger,
    resolve: async () => resolved,
    refusal,
  });
  const answer = Promise.withResolvers<Answer>();
  request({ host: '127.0.0.1', port: proxy.port, path: `http://${name}:${port}/` }, async (response) => {
    let body = '';
    for await (const chunk of response) body += chunk;
    answer.resolve({ status: response.statusCode, body: body.replace(`:${port}`, '') });
  }).end();
  const answered = await answer.promise;
  server.close();
  return answered;
}

test.each([
  ['the next address of a name is tried', [UNSERVED, '127.0.0.1'], 'localhost', 200],
  ['none that is served is a bad gateway', [UNSERVED, UNSERVED], 'localhost', 502],
  ['addresses of this machine are no choice for a name of somebody else', ['127.0.0.1'], 'example.com', 403],
] as const)('%s', async (_, resolved, name, status) => {
  expect(await ask(resolved, name)).toMatchObject({ status });
});

test.each([
  [undefined, 'other.example is not granted by the permission profile\n'],
  ['not a package registry', 'other.example is not a package registry\n'],
])(
  'a host outside the rules is refused in the words of the owner of the rules: %p',
  async (refusal, body) => {
    expect(await ask([], 'other.example', refusal)).toEqual({ status: 403, body });
  },
);
