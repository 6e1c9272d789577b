import { expect, test } from 'bun:test';
import { hasLocalResolver, localPortsOf } from './open-network.ts';

test.each([
  ['nameserver 127.0.0.53\noptions edns0\n', true],
  ['nameserver ::1\n', true],
  ['', true],
  ['# nameserver 10.0.0.1\nnameserver 127.0.0.1\n', true],
  ['nameserver 127.0.0.53\nnameserver 10.0.0.1\n', false],
  ['nameserver 2001:db8::53\n', false],
])('with %p the resolver is on the loopback: %p', (settings, isLocal) => {
  expect(hasLocalResolver(settings)).toBe(isLocal);
});

test.each([
  [{}, []],
  [{ HTTPS_PROXY: 'http://127.0.0.1:3128' }, [3128]],
  [{ http_proxy: 'http://localhost', ALL_PROXY: 'socks5://[::1]' }, [80, 1080]],
  [{ https_proxy: '127.0.0.1:8080', HTTPS_PROXY: '127.0.0.1:8080' }, [8080]],
  [{ HTTPS_PROXY: 'http://proxy.example.com:3128', NO_PROXY: '127.0.0.1:1' }, []],
  [{ HTTPS_PROXY: 'http://127.0.0.1.example.com:3128' }, []],
  [{ HTTPS_PROXY: '://' }, []],
])('%p opens the ports %p', (env, ports) => {
  expect(localPortsOf({ type: 'open', localPorts: [] }, env)).toEqual(ports);
});

test('ports of the profile are open whatever the environment', () => {
  expect(localPortsOf({ type: 'open', localPorts: [1] }, { HTTP_PROXY: 'http://localhost:2' })).toEqual([
    1, 2,
  ]);
  expect(localPortsOf({ type: 'open', localPorts: 'all' }, { HTTP_PROXY: 'http://localhost:2' })).toBe('all');
});
