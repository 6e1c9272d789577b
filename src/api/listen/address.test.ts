import { describe, expect, test } from 'bun:test';
import { resolve } from 'node:path';
import { addressUrl, parseAddress, resolveAddress, shownAddress } from './address.ts';

const tcp = { host: '127.0.0.1', port: 8080 };
const mode = 0o600;

describe('the kind of an address goes by its prefix', () => {
  test.each([
    ['', 'linux', { kind: 'tcp', ...tcp }],
    ['/tmp/x.sock', 'linux', { kind: 'socket', path: '/tmp/x.sock', mode }],
    ['x.sock', 'linux', { kind: 'socket', path: resolve('x.sock'), mode }],
    ['\\\\.\\pipe\\thv-api', 'win32', { kind: 'pipe', path: '\\\\.\\pipe\\thv-api' }],
    ['\\\\.\\Pipe\\x', 'win32', { kind: 'pipe', path: '\\\\.\\Pipe\\x' }],
  ] as const)('%j on %s', (socket, platform, expected) => {
    expect(parseAddress({ ...tcp, socket, socketMode: mode }, platform)).toEqual(expected as never);
  });

  test.each(['\\\\.\\pipe\\thv-api', '\\\\.\\PIPE\\thv-api'])('%s is refused outside Windows', (socket) => {
    expect(() => parseAddress({ ...tcp, socket, socketMode: mode }, 'linux')).toThrow(
      `named pipe addresses are only supported on Windows: ${socket}`,
    );
  });
});

test.each([
  [{ kind: 'tcp', host: '127.0.0.1', port: 8080 }, 'http://127.0.0.1:8080'],
  [{ kind: 'tcp', host: '', port: 1 }, 'http://127.0.0.1:1'],
  [{ kind: 'tcp', host: '0.0.0.0', port: 1 }, 'http://127.0.0.1:1'],
  [{ kind: 'tcp', host: '::', port: 1 }, 'http://127.0.0.1:1'],
  [{ kind: 'tcp', host: '::1', port: 1 }, 'http://[::1]:1'],
  [{ kind: 'tcp', host: '10.0.0.5', port: 1 }, 'http://10.0.0.5:1'],
  [{ kind: 'socket', path: '/tmp/a b/x.sock', mode }, 'unix:///tmp/a%20b/x.sock'],
  [{ kind: 'socket', path: 'C:\\dir\\thv.sock', mode }, 'unix:///C:%5Cdir%5Cthv.sock'],
  [{ kind: 'pipe', path: '\\\\.\\pipe\\thv-api' }, 'npipe://thv-api'],
] as const)('%j is told as %s', (address, url) => {
  expect(addressUrl(address)).toBe(url);
});

describe('a host by name', () => {
  test.each([
    ['localhost', '127.0.0.1'],
    ['[::1]', '::1'],
    ['::', '::'],
    ['', ''],
    ['127.0.0.1', '127.0.0.1'],
  ])('%j is %j', async (host, expected) => {
    expect(await resolveAddress({ kind: 'tcp', host, port: 1 })).toEqual({
      kind: 'tcp',
      host: expected,
      port: 1,
    });
  });

  test('that nobody knows is refused', async () => {
    await expect(resolveAddress({ kind: 'tcp', host: 'nobody.invalid', port: 1 })).rejects.toThrow(
      /^listen tcp: lookup nobody\.invalid: no such host/,
    );
  });
});

test.each([
  [{ kind: 'tcp', host: '::1', port: 1 }, '[::1]:1'],
  [{ kind: 'tcp', host: '', port: 1 }, ':1'],
  [{ kind: 'socket', path: '/tmp/x', mode }, '/tmp/x'],
] as const)('%j is shown as %s', (address, expected) => {
  expect(shownAddress(address)).toBe(expected);
});
