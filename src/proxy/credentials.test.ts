import { expect, test } from 'bun:test';
import { createHeaderCredentials } from './credentials.ts';

const request = { origin: new URL('http://x'), path: '/', method: 'GET' };

test.each([
  ['none', {}, undefined],
  ['one, in lower case', { 'X-Key': 'a=b, c' }, [['x-key', 'a=b, c']]],
  ['an empty value', { 'X-Key': '' }, [['x-key', '']]],
  ['two spellings of one name', { 'X-Key': 'plain', 'x-key': 'secret' }, [['x-key', 'secret']]],
])('headers as credentials: %s', async (_, values, expected) => {
  expect<unknown>(await createHeaderCredentials(values)?.headersFor(request)).toEqual(expected);
});

test('letters beyond ASCII go as UTF-8', async () => {
  const [[, name] = ['', '']] =
    (await createHeaderCredentials({ 'X-Name': 'Zoë €' })?.headersFor(request)) ?? [];
  expect(Buffer.from(name, 'latin1').toString()).toBe('Zoë €');
});

test('fixed headers are not tried again after a refusal', async () => {
  expect(await createHeaderCredentials({ a: 'b' })?.onRejected(new Response(null, { status: 401 }))).toBe(
    false,
  );
});
