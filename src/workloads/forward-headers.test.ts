import { describe, expect, test } from 'bun:test';
import { headersByName, parseForwardHeader, parseForwardHeaderSecret } from './forward-headers.ts';

test.each([
  ['none', [], {}],
  ['one', ['X-Tenant=t1'], { 'X-Tenant': 't1' }],
  ['an empty value', ['X-Empty='], { 'X-Empty': '' }],
  ['a value with equals signs, commas and spaces', ['X-A= a=b, c '], { 'X-A': ' a=b, c ' }],
  ['spaces around a name', [' X-A =1'], { 'X-A': '1' }],
  ['one name twice, the last of which wins', ['X-A=1', 'x-a=2'], { 'x-a': '2' }],
])('headers: %s', (_, texts, headers) => {
  expect(headersByName(texts.map(parseForwardHeader))).toEqual(headers);
});

test('secrets: their names', () => {
  expect(headersByName(['X-Key=key', 'Authorization= token '].map(parseForwardHeaderSecret))).toEqual({
    'X-Key': 'key',
    Authorization: 'token',
  });
});

describe.each([
  ['headers', parseForwardHeader],
  ['secrets', parseForwardHeaderSecret],
])('%s: what is refused', (_, parse) => {
  test.each([
    ['X-Key', 'invalid header format "X-Key": expected Name=Value'],
    ['=sesame', 'invalid header name in "=…": header name cannot be empty'],
    [
      'X Key=sesame',
      'invalid header name in "X Key=…": only letters, digits and the signs of RFC 9110 §5.6.2 may stand in it',
    ],
    ['host=sesame', 'header "Host" is restricted and cannot be configured for forwarding'],
  ])('%s', (text, message) => {
    expect(() => parse(text)).toThrow(message);
  });
});

test('a value that no header can hold is refused and not told', () => {
  expect(() => parseForwardHeader('X-Key=ses\r\name')).toThrow(
    'invalid header value in "X-Key=…": it holds control characters',
  );
});

test.each([
  ['X=', 'invalid secret header "X=": secret name cannot be empty'],
  ['X=a,target=b', 'invalid secret header "X=…": a secret\'s name has no commas'],
])('a secret without a usable name: %s', (text, message) => {
  expect(() => parseForwardHeaderSecret(text)).toThrow(message);
});
