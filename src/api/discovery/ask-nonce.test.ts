import { expect, test } from 'bun:test';
import { targetOf } from './ask-nonce.ts';

test.each([
  ['http://127.0.0.1:8080', { url: 'http://127.0.0.1:8080/health' }],
  ['HTTP://127.0.0.1:8080', { url: 'http://127.0.0.1:8080/health' }],
  ['http://[::1]:8080', { url: 'http://[::1]:8080/health' }],
  ['unix:///tmp/a%20b/x.sock', { url: 'http://localhost/health', unix: '/tmp/a b/x.sock' }],
  ['http://localhost:8080', undefined],
  ['http://10.0.0.5:8080', undefined],
  ['https://127.0.0.1:8080', undefined],
  ['http://user@127.0.0.1:8080', undefined],
  ['http://127.0.0.1:8080/?x=1', undefined],
  ['unix://host/tmp/x.sock', undefined],
  ['unix:///', undefined],
  ['unix:///tmp/../etc/x.sock', undefined],
  ['unix:///tmp/%2e%2E/x.sock', undefined],
  ['unix:///tmp/x.sock?x=1', undefined],
  ['npipe://thv-api', undefined],
  ['file:///etc/passwd', undefined],
  ['', undefined],
])('a record that names %j', (url, expected) => {
  expect(targetOf(url)).toEqual(expected as never);
});
