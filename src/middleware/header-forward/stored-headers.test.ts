import { describe, expect, test } from 'bun:test';
import { headerNameProblem, headerRestriction, headerValueProblem } from './forwarded-header.ts';
import { storedForwardHeaders } from './stored-headers.ts';

const stored = (parameters: unknown) => ({ type: 'header-forward', parameters });

test.each([
  ['no chain', [], {}],
  ['a chain of others', [{ type: 'auth', parameters: {} }], {}],
  ['no parameters', [stored(undefined)], {}],
  ['null', [stored({ add_headers: null })], {}],
  ['no headers', [stored({ add_headers: {} })], {}],
  [
    'headers',
    [stored({ add_headers: { 'X-A': 'a=b, c', 'X-Empty': '' } })],
    { 'X-A': 'a=b, c', 'X-Empty': '' },
  ],
  [
    'two entries',
    [stored({ add_headers: { 'X-A': '1' } }), stored({ add_headers: { 'X-B': '2' } })],
    { 'X-B': '2' },
  ],
])('%s: the headers that are stored', (_, chain, expected) => {
  expect(storedForwardHeaders(chain)).toEqual(expected);
});

test('what cannot be sent is refused, and its value is not told', () => {
  expect(() =>
    storedForwardHeaders([stored({ add_headers: { host: 'sesame', 'X-A': 'ses\name' } })]),
  ).toThrow(
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
