import { describe, expect, test } from 'bun:test';
import { applyPatch, type PatchOperation, parseExactly, stringifyExactly } from './json-patch.ts';

const patched = (text: string, ...operations: PatchOperation[]) =>
  stringifyExactly(applyPatch(parseExactly(text), operations));

describe('a patch', () => {
  // RFC 6902 appendix A.
  test.each<[string, string, readonly PatchOperation[], string]>([
    [
      'A.1 adds a member',
      '{"foo":"bar"}',
      [{ op: 'add', path: '/baz', value: 'qux' }],
      '{"foo":"bar","baz":"qux"}',
    ],
    [
      'A.2 adds an element',
      '{"foo":["bar","baz"]}',
      [{ op: 'add', path: '/foo/1', value: 'qux' }],
      '{"foo":["bar","qux","baz"]}',
    ],
    ['A.3 removes a member', '{"baz":"qux","foo":"bar"}', [{ op: 'remove', path: '/baz' }], '{"foo":"bar"}'],
    [
      'A.4 removes an element',
      '{"foo":["bar","qux","baz"]}',
      [{ op: 'remove', path: '/foo/1' }],
      '{"foo":["bar","baz"]}',
    ],
    ['A.5 replaces', '{"baz":"qux"}', [{ op: 'replace', path: '/baz', value: 'boo' }], '{"baz":"boo"}'],
    [
      'A.6 moves a member',
      '{"foo":{"bar":"baz","waldo":"fred"},"qux":{"corge":"grault"}}',
      [{ op: 'move', from: '/foo/waldo', path: '/qux/thud' }],
      '{"foo":{"bar":"baz"},"qux":{"corge":"grault","thud":"fred"}}',
    ],
    [
      'A.7 moves an element',
      '{"foo":["all","grass","cows","eat"]}',
      [{ op: 'move', from: '/foo/1', path: '/foo/3' }],
      '{"foo":["all","cows","eat","grass"]}',
    ],
    [
      'A.8 tests',
      '{"baz":"qux","foo":["a",2,"c"]}',
      [
        { op: 'test', path: '/baz', value: 'qux' },
        { op: 'test', path: '/foo/1', value: 2 },
      ],
      '{"baz":"qux","foo":["a",2,"c"]}',
    ],
    [
      'A.10 adds an object',
      '{"foo":"bar"}',
      [{ op: 'add', path: '/child', value: { grandchild: {} } }],
      '{"foo":"bar","child":{"grandchild":{}}}',
    ],
    ['A.14 reads escapes', '{"/":9,"~1":10}', [{ op: 'test', path: '/~01', value: 10 }], '{"/":9,"~1":10}'],
    [
      'A.16 appends',
      '{"foo":["bar"]}',
      [{ op: 'add', path: '/foo/-', value: ['abc', 'def'] }],
      '{"foo":["bar",["abc","def"]]}',
    ],
    [
      'copies',
      '{"a":{"b":1}}',
      [
        { op: 'copy', from: '/a', path: '/c' },
        { op: 'add', path: '/c/b', value: 2 },
      ],
      '{"a":{"b":1},"c":{"b":2}}',
    ],
    [
      'keeps the digits of numbers',
      '{"a":12345678901234567890,"b":1.0,"c":1e2,"d":"x"}',
      [{ op: 'remove', path: '/d' }],
      '{"a":12345678901234567890,"b":1.0,"c":1e2}',
    ],
    ['moves them, too', '{"a":1.0}', [{ op: 'move', from: '/a', path: '/b' }], '{"b":1.0}'],
    [
      'takes __proto__ for a name',
      '{}',
      [{ op: 'add', path: '/__proto__', value: { a: 1 } }],
      '{"__proto__":{"a":1}}',
    ],
  ])('%s', (_, before, operations, after) => {
    expect(patched(before, ...operations)).toBe(after);
    expect(({} as Record<string, unknown>)['a']).toBeUndefined();
  });

  test.each<[string, string, PatchOperation]>([
    ['A.9 a test that fails', '{"baz":"qux"}', { op: 'test', path: '/baz', value: 'bar' }],
    ['A.12 a parent that is not there', '{"foo":"bar"}', { op: 'add', path: '/baz/bat', value: 'qux' }],
    ['A.15 a number that is a text', '{"~1":10}', { op: 'test', path: '/~01', value: '10' }],
    ['an inherited member', '{}', { op: 'remove', path: '/constructor' }],
    ['an index beyond the end', '[]', { op: 'add', path: '/1', value: 1 }],
    ['a leading zero', '[1,2]', { op: 'remove', path: '/01' }],
    ['a member of a number', '{"a":1.0}', { op: 'add', path: '/a/b', value: 1 }],
    ['a move into itself', '{"a":{}}', { op: 'move', from: '/a', path: '/a/b' }],
    ['no pointer', '{"a":1}', { op: 'remove', path: 'a' }],
  ])('does not apply: %s', (_, before, operation) => {
    expect(() => patched(before, operation)).toThrow();
  });
});
