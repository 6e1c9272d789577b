import { describe, expect, test } from 'bun:test';
import { conceal, keepSecret, withoutSecrets } from './withhold.ts';

describe('values of secrets in what a server printed', () => {
  test.each([
    ['none', 'token abcd', [], 'token abcd'],
    ['one, several times', 'abcd and abcd', ['abcd'], '[secret] and [secret]'],
    ['one that is part of another', 'abcdefgh', ['abcd', 'abcdefgh'], '[secret]'],
    ['one that is in the word for it', 'secret abcd', ['secret', 'abcd'], '[secret] [secret]'],
    ['one too short to tell from a word', 'a dog', ['dog'], 'a dog'],
    ['an empty one', 'text', [''], 'text'],
    ['one with characters of patterns', 'it is a+b(c', ['a+b(c'], 'it is [secret]'],
  ])('%s', (_, text, secrets, expected) => expect(conceal(text, secrets)).toBe(expected));
});

describe('what no text about an error may contain', () => {
  keepSecret('hunter2-noted');
  keepSecret('dog');
  test.each([
    ['a value that was noted', 'cannot parse "hunter2-noted"', 'cannot parse "[secret]"'],
    ['a noted value as short as a word stays', 'a dog', 'a dog'],
    [
      'the login in a URL',
      'no answer from https://ann:pw@host/x?y=1',
      'no answer from https://[secret]@host/x?y=1',
    ],
    ['a URL without a login', 'no answer from https://host/a@b', 'no answer from https://host/a@b'],
    ['a bearer token', 'bad header "Bearer abcdefgh.ijklmnop"', 'bad header "Bearer [secret]"'],
    ['the name of the scheme alone', 'Basic authentication failed', 'Basic authentication failed'],
  ])('%s', (_, text, expected) => expect(withoutSecrets(text)).toBe(expected));
});
