import { expect, test } from 'bun:test';
import { nameFromHost } from './remote-name.ts';

test.each([
  ['api.github.com', 'github'],
  ['github.com', 'github'],
  ['mcp.linear.app', 'linear'],
  ['localhost', 'localhost'],
  ['127.0.0.1', '127-0-0-1'],
  ['[::1]', 'ipv6-1'],
  ['[2001:db8::5]', 'ipv6-2001-db8-5'],
  ['[fe80::]', 'ipv6-fe80'],
  ['x.example.co.uk', 'example'],
  ['example.com.au', 'example'],
  ['mcp.api.example.ac.jp', 'example'],
  ['co.uk', 'co'],
  ['mcp.co', 'mcp'],
  ['mcp.com.example', 'com'],
  ['x.com', 'x-com'],
  ['a.b.example.com', 'example'],
  ['example.com.', 'example'],
])('%s → %s', (host, name) => {
  expect(nameFromHost(host)).toBe(name);
});
