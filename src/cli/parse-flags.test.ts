import { describe, expect, test } from 'bun:test';
import * as v from 'valibot';
import type { FlagSet } from './flag.ts';
import { parseFlags } from './parse-flags.ts';

const flags = {
  all: { kind: 'bool', shorthand: 'a', help: '', schema: v.optional(v.boolean()) },
  follow: { kind: 'bool', shorthand: 'f', help: '', schema: v.optional(v.boolean()) },
  name: { kind: 'string', help: '', schema: v.optional(v.string()) },
  tag: { kind: 'string', shorthand: 't', help: '', schema: v.optional(v.string()) },
  env: { kind: 'stringArray', shorthand: 'e', help: '', schema: v.optional(v.array(v.string())) },
  scopes: { kind: 'strings', help: '', schema: v.optional(v.array(v.string())) },
  'proxy-port': { kind: 'int', help: '', schema: v.optional(v.number()) },
  'ui-port': { kind: 'int', shorthand: 'u', help: '', schema: v.optional(v.number()) },
  timeout: { kind: 'duration', help: '', schema: v.optional(v.number()) },
} satisfies FlagSet;

function parse(args: readonly string[]) {
  const { values, words, rest } = parseFlags(args, flags);
  return { ...Object.fromEntries(values), words, ...(rest === undefined ? {} : { rest }) };
}

describe('what is understood', () => {
  const rows: readonly (readonly [string, readonly string[], object])[] = [
    ['nothing', [], { words: [] }],
    ['a word', ['x'], { words: ['x'] }],
    ['a lone dash is a word', ['-'], { words: ['-'] }],
    ['an empty argument is a word', [''], { words: [''] }],
    ['--name value', ['--name', 'n'], { name: 'n', words: [] }],
    ['--name=value', ['--name=n'], { name: 'n', words: [] }],
    ['--name=value keeps further signs', ['--name=a=b'], { name: 'a=b', words: [] }],
    ['--name= is given and empty', ['--name='], { name: '', words: [] }],
    ['a value may begin with a dash', ['--name', '--all'], { name: '--all', words: [] }],
    ['-t value', ['-t', 'x'], { tag: 'x', words: [] }],
    ['-tvalue', ['-tx'], { tag: 'x', words: [] }],
    ['-t=value', ['-t=x'], { tag: 'x', words: [] }],
    ['unicode values', ['--name', 'é🦊'], { name: 'é🦊', words: [] }],
    ['flags before and after words', ['a', '--all', 'b'], { all: true, words: ['a', 'b'] }],
    ['the last string wins', ['--name', 'a', '--name', 'b'], { name: 'b', words: [] }],
    ['booleans combine', ['-fa'], { follow: true, all: true, words: [] }],
    ['a boolean before a value', ['-ftx'], { follow: true, tag: 'x', words: [] }],
    ['--flag=false is given', ['--all=false'], { all: false, words: [] }],
    ['-a=0', ['-a=0'], { all: false, words: [] }],
    ['--flag false leaves a word', ['--all', 'false'], { all: true, words: ['false'] }],
    ...['1', 't', 'T', 'true', 'TRUE', 'True'].map(
      (word) => [word, [`--all=${word}`], { all: true, words: [] }] as const,
    ),
    ...['0', 'f', 'F', 'false', 'FALSE', 'False'].map(
      (word) => [word, [`--all=${word}`], { all: false, words: [] }] as const,
    ),
    ['stringArray keeps commas', ['-e', 'A=1,2', '--env=B='], { env: ['A=1,2', 'B='], words: [] }],
    ['strings split at commas', ['--scopes', 'a,b', '--scopes', 'c'], { scopes: ['a', 'b', 'c'], words: [] }],
    ['strings keep quoted commas', ['--scopes', '"a,b",c'], { scopes: ['a,b', 'c'], words: [] }],
    ['doubled quotes', ['--scopes', '"a""b"'], { scopes: ['a"b'], words: [] }],
    ['empty elements', ['--scopes', 'a,,b,'], { scopes: ['a', '', 'b', ''], words: [] }],
    ['strings may be empty', ['--scopes='], { scopes: [], words: [] }],
    ['decimal', ['--proxy-port', '8080'], { 'proxy-port': 8080, words: [] }],
    ['hexadecimal', ['--proxy-port', '0x1F90'], { 'proxy-port': 8080, words: [] }],
    ['octal', ['--proxy-port', '0o17'], { 'proxy-port': 15, words: [] }],
    ['binary', ['--proxy-port', '0b101'], { 'proxy-port': 5, words: [] }],
    ['negative', ['--proxy-port', '-1'], { 'proxy-port': -1, words: [] }],
    ['zero', ['--proxy-port', '-0'], { 'proxy-port': 0, words: [] }],
    ['milliseconds', ['--timeout', '300ms'], { timeout: 300, words: [] }],
    ['combined units', ['--timeout', '1m30s'], { timeout: 90_000, words: [] }],
    ['hours', ['--timeout=2h'], { timeout: 7_200_000, words: [] }],
    ['no time', ['--timeout', '0'], { timeout: 0, words: [] }],
    [
      '-- ends the flags',
      ['a', '--', '--all', 'b', '--', 'c'],
      { words: ['a'], rest: ['--all', 'b', '--', 'c'] },
    ],
    ['-- with nothing behind', ['a', '--'], { words: ['a'], rest: [] }],
    ['-- as a value', ['--name', '--', 'a'], { name: '--', words: ['a'] }],
  ];
  test.each(rows)('%s', (_sentence, args, expected) => {
    expect(parse(args) as object).toEqual(expected);
  });
});

describe('what is refused', () => {
  const rows: readonly (readonly [readonly string[], string])[] = [
    [['--foo'], 'unknown flag: --foo'],
    [['--foo=bar'], 'unknown flag: --foo'],
    [['--no-all'], 'unknown flag: --no-all'],
    [['--toString'], 'unknown flag: --toString'],
    [['-x'], "unknown shorthand flag: 'x' in -x"],
    [['-fx'], "unknown shorthand flag: 'x' in -x"],
    [['-xf'], "unknown shorthand flag: 'x' in -xf"],
    [['---all'], 'bad flag syntax: ---all'],
    [['--=x'], 'bad flag syntax: --=x'],
    [['--name'], 'flag needs an argument: --name'],
    [['-e'], "flag needs an argument: 'e' in -e"],
    [['-fe'], "flag needs an argument: 'e' in -e"],
    [
      ['--proxy-port', 'abc'],
      'invalid argument "abc" for "--proxy-port" flag: strconv.ParseInt: parsing "abc": invalid syntax',
    ],
    [
      ['--proxy-port='],
      'invalid argument "" for "--proxy-port" flag: strconv.ParseInt: parsing "": invalid syntax',
    ],
    [
      ['--proxy-port', '1.5'],
      'invalid argument "1.5" for "--proxy-port" flag: strconv.ParseInt: parsing "1.5": invalid syntax',
    ],
    [
      ['--proxy-port', '99999999999999999999'],
      'invalid argument "99999999999999999999" for "--proxy-port" flag: strconv.ParseInt: parsing "99999999999999999999": value out of range',
    ],
    [
      ['-u', 'abc'],
      'invalid argument "abc" for "-u, --ui-port" flag: strconv.ParseInt: parsing "abc": invalid syntax',
    ],
    [['--timeout', 'abc'], 'invalid argument "abc" for "--timeout" flag: time: invalid duration "abc"'],
    [['--timeout', '30'], 'invalid argument "30" for "--timeout" flag: time: missing unit in duration "30"'],
    [
      ['--all=x'],
      'invalid argument "x" for "-a, --all" flag: strconv.ParseBool: parsing "x": invalid syntax',
    ],
    [['--all='], 'invalid argument "" for "-a, --all" flag: strconv.ParseBool: parsing "": invalid syntax'],
    [
      ['--scopes', 'a"b'],
      'invalid argument "a\\"b" for "--scopes" flag: parse error on line 1, column 2: bare " in non-quoted-field',
    ],
    [
      ['--scopes', '"a'],
      'invalid argument "\\"a" for "--scopes" flag: parse error on line 1, column 3: extraneous or missing " in quoted-field',
    ],
  ];
  test.each(rows)('%j', (args, message) => {
    expect(() => parse(args)).toThrow(new Error(message));
  });
});

test('a command may tell what to do about an unknown flag', () => {
  const unknownFlagHint = (flag: string) => `not ${flag}`;
  expect(() => parseFlags(['--foo=1'], flags, { unknownFlagHint })).toThrow(
    new Error('unknown flag: --foo. Hint: not --foo'),
  );
  expect(() => parseFlags(['-xy'], flags, { unknownFlagHint })).toThrow(
    new Error("unknown shorthand flag: 'x' in -xy. Hint: not -x"),
  );
});
