import { describe, expect, test } from 'bun:test';
import { headerNameProblem, headerRestriction, headerValueProblem } from './forwarded-header.ts';
import { createHeaderForward } from './header-forward.ts';

const context = { path: '/', remoteAddress: '', keepOpen() {}, letGo() {} };

async function sent(add_headers: Readonly<Record<string, string>>, given: Readonly<Record<string, string>>) {
  const middleware = createHeaderForward({ add_headers });
  if (middleware === undefined) throw new Error('nothing to do');
  let seen: Headers | undefined;
  let body = '';
  const request = new Request('http://x/mcp', { method: 'POST', headers: given, body: 'payload' });
  await middleware(request, context, async (forwarded) => {
    seen = forwarded.headers;
    body = await forwarded.text();
    return new Response();
  });
  expect([body, request.headers.get('x-key')]).toEqual(['payload', given['X-Key'] ?? null]);
  return Object.fromEntries(seen ?? []);
}

test('a header is set in place of the client’s, in any case, and the rest passes', async () => {
  const given = { 'X-Key': 'theirs', Accept: 'text/plain', 'Content-Type': 'text/plain' };
  expect(await sent({ 'x-KEY': 'ours', 'X-Empty': '', 'X-Tenant': 'a=b, c' }, given)).toEqual({
    accept: 'text/plain',
    'content-type': 'text/plain',
    'x-empty': '',
    'x-key': 'ours',
    'x-tenant': 'a=b, c',
  });
});

test('of two spellings of one name the later one wins', async () => {
  expect(await sent({ 'X-Key': 'plain', 'x-key': 'secret' }, {})).toMatchObject({ 'x-key': 'secret' });
});

test('a client’s Connection does not take it off again', async () => {
  const given = { Connection: 'close, X-KEY, X-Other' };
  expect(await sent({ 'X-Key': 'ours' }, given)).toEqual({ 'x-key': 'ours', connection: 'close, X-Other' });
});

test('letters beyond ASCII go as UTF-8', async () => {
  const { 'x-name': name = '' } = await sent({ 'X-Name': 'Zoë €' }, {});
  expect(Buffer.from(name, 'latin1').toString()).toBe('Zoë €');
});

test.each([
  ['no parameters', undefined],
  ['null', { add_headers: null }],
  ['no headers', { add_headers: {} }],
])('with %s there is nothing to do', (_, parameters) => {
  expect(createHeaderForward(parameters)).toBeUndefined();
});

test('what cannot be sent is refused, and its value is not told', () => {
  expect(() => createHeaderForward({ add_headers: { host: 'sesame', 'X-A': 'ses\name' } })).toThrow(
    'invalid parameters of middleware header-forward: add_headers.host: header "Host" is restricted and cannot be configured for forwarding; add_headers.X-A: the value cannot be sent: it holds control characters',
  );
});

describe('a header', () => {
  test.each([
    ['X-Api-Key', undefined],
    ["!#$%&'*+-.^_`|~09az", undefined],
    ['x'.repeat(256), undefined],
    ['', 'header name cannot be empty'],
    ['x'.repeat(257), 'it is longer than 256 bytes'],
    ['X Key', 'only letters, digits and the signs of RFC 9110 §5.6.2 may stand in it'],
    ['X-Kéy', 'only letters, digits and the signs of RFC 9110 §5.6.2 may stand in it'],
    ['X:', 'only letters, digits and the signs of RFC 9110 §5.6.2 may stand in it'],
  ])('name %j', (name, problem) => {
    expect(headerNameProblem(name)).toBe(problem);
  });

  test.each([
    ['Authorization', undefined],
    ['X-Forwarded', undefined],
    ['HOST', 'header "Host" is restricted and cannot be configured for forwarding'],
    ['x-real-ip', 'header "X-Real-Ip" is restricted and cannot be configured for forwarding'],
    ['http2-settings', 'header "Http2-Settings" is restricted and cannot be configured for forwarding'],
  ])('%s: restricted?', (name, restriction) => {
    expect(headerRestriction(name)).toBe(restriction);
  });

  test.each([
    ['empty', '', undefined],
    ['with equals signs, commas and a tab', 'a=b,\tc', undefined],
    ['of the longest size', 'x'.repeat(8192), undefined],
    ['too long', 'x'.repeat(8193), 'it is longer than 8192 bytes'],
    ['too long in bytes', 'é'.repeat(4097), 'it is longer than 8192 bytes'],
    ['with a line break', 'a\r\nHost: x', 'it holds control characters'],
    ['with a null', 'a\0', 'it holds control characters'],
    ['with a delete', 'a\x7f', 'it holds control characters'],
  ])('value %s', (_, value, problem) => {
    expect(headerValueProblem(value)).toBe(problem);
  });
});
