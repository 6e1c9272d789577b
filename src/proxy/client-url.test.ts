import { expect, test } from 'bun:test';
import { clientUrl } from './client-url.ts';

const local = { host: '127.0.0.1', port: 8080, proxyMode: '', name: 'my server' };

test.each([
  ['stdio as sse', { transport: 'stdio', proxyMode: 'sse' }, 'http://127.0.0.1:8080/sse#my%20server'],
  ['stdio as streamable', { transport: 'stdio', proxyMode: 'streamable-http' }, 'http://127.0.0.1:8080/mcp'],
  ['stored stdio without a mode', { transport: 'stdio' }, 'http://127.0.0.1:8080/mcp'],
  ['sse container', { transport: 'sse', proxyMode: 'sse' }, 'http://127.0.0.1:8080/sse#my%20server'],
  ['streamable container', { transport: 'streamable-http' }, 'http://127.0.0.1:8080/mcp'],
  ['clients’ settings', { transport: 'streamable-http', host: 'localhost' }, 'http://localhost:8080/mcp'],
  [
    'remote path',
    { transport: 'streamable-http', remoteUrl: 'https://a.b/v2/mcp?x=1' },
    'http://127.0.0.1:8080/v2/mcp',
  ],
  ['remote root', { transport: 'streamable-http', remoteUrl: 'https://a.b/' }, 'http://127.0.0.1:8080'],
  [
    'remote without a path',
    { transport: 'streamable-http', remoteUrl: 'https://a.b' },
    'http://127.0.0.1:8080',
  ],
  [
    'remote odd path',
    { transport: 'streamable-http', remoteUrl: 'https://a.b/a b' },
    'http://127.0.0.1:8080/a%20b',
  ],
  [
    'remote sse root',
    { transport: 'sse', remoteUrl: 'https://a.b' },
    'http://127.0.0.1:8080/sse#my%20server',
  ],
  [
    'remote sse path',
    { transport: 'sse', remoteUrl: 'https://a.b/e?x' },
    'http://127.0.0.1:8080/e#my%20server',
  ],
  ['not proxied', { transport: 'inspector' }, ''],
])('%s', (_, facts, expected) => {
  expect(clientUrl({ ...local, ...facts })).toBe(expected);
});
