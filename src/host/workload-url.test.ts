import { expect, test } from 'bun:test';
import type { RunConfig } from '../records/index.ts';
import { settingsUrlOf } from './workload-url.ts';

test.each([
  ['127.0.0.1', 'http://localhost:1/mcp'],
  ['localhost', 'http://localhost:1/mcp'],
  ['0.0.0.0', 'http://localhost:1/mcp'],
  ['127.0.0.2', 'http://127.0.0.2:1/mcp'],
  ['192.168.0.7', 'http://192.168.0.7:1/mcp'],
])('a proxy on %s is %s in the settings of clients', (host, expected) => {
  const config = { host, port: 1, transport: 'stdio', proxy_mode: 'streamable-http', name: 'n' };
  expect(settingsUrlOf(config as unknown as RunConfig)).toBe(expected);
});
