import { expect, test } from 'bun:test';
import type { Endpoint } from '../proxy/index.ts';
import { withInboundHosts } from './inbound-hosts.ts';

const endpoint = {
  handle: () => new Response('served'),
  gate: ({ method }: Request) => (method === 'DELETE' ? new Response('', { status: 405 }) : undefined),
} as unknown as Endpoint;

const statusOf = (
  host: string,
  { allow_host = ['localhost', '.example.com'], isolated = true, method = 'GET' },
) => {
  const config = { isolate_network: isolated, permission_profile: { network: { inbound: { allow_host } } } };
  const request = new Request('http://127.0.0.1/mcp', { method, headers: { host } });
  return withInboundHosts(endpoint, config).gate?.(request)?.status;
};

test.each<[host: string, options: Parameters<typeof statusOf>[1], status: number | undefined]>([
  ['localhost:8080', {}, undefined],
  ['LOCALHOST', {}, undefined],
  ['mcp.example.com', {}, undefined],
  ['example.org', {}, 403],
  ['localhost.example.org', {}, 403],
  ['', {}, 403],
  ['[::1]:8080', { allow_host: ['::1'] }, undefined],
  ['localhost', { method: 'DELETE' }, 405],
  ['example.org', { allow_host: [] }, undefined],
  ['example.org', { isolated: false }, undefined],
])('a request to %p, %j', (host, options, status) => {
  expect(statusOf(host, options)).toBe(status);
});
