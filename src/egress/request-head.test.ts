import { expect, test } from 'bun:test';
import { parseProxyRequest } from './request-head.ts';

const head = (...lines: readonly string[]) => lines.join('\r\n');

test('CONNECT names host and port, and nothing is passed on', () => {
  expect(parseProxyRequest(head('CONNECT example.com:443 HTTP/1.1', 'Host: other.example'))).toEqual({
    host: 'example.com',
    port: 443,
    forwardedHead: undefined,
  });
  expect(parseProxyRequest('CONNECT [::1]:443 HTTP/1.1')).toMatchObject({ host: '[::1]', port: 443 });
});

test('a plain request goes to the host of its address, whatever its Host header says, and only that one request', () => {
  const request = parseProxyRequest(
    head(
      'POST http://example.com:8080/a?b=c HTTP/1.1',
      'Host: other.example',
      'Proxy-Authorization: Basic x',
      'Proxy-Connection: keep-alive',
      'Connection: keep-alive',
      'Content-Length: 3',
    ),
  );
  expect(request).toEqual({
    host: 'example.com',
    port: 8080,
    forwardedHead: head(
      'POST /a?b=c HTTP/1.1',
      'Host: example.com:8080',
      'Content-Length: 3',
      'Connection: close',
      '',
      '',
    ),
  });
  expect(parseProxyRequest('GET http://example.com/ HTTP/1.1')).toMatchObject({ port: 80 });
});

test.each([
  ['no proxy request', 'GET / HTTP/1.1'],
  ['no port', 'CONNECT example.com HTTP/1.1'],
  ['port 0', 'CONNECT example.com:0 HTTP/1.1'],
  ['a port beyond the last', 'CONNECT example.com:65536 HTTP/1.1'],
  ['a user in the authority', 'CONNECT user@example.com:443 HTTP/1.1'],
  ['another scheme', 'GET https://example.com/ HTTP/1.1'],
  ['HTTP/2', 'CONNECT example.com:443 HTTP/2'],
  ['nothing', ''],
])('%s is refused', (_, text) => {
  expect(parseProxyRequest(text)).toBeUndefined();
});
