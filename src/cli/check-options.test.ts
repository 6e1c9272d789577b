import { describe, expect, test } from 'bun:test';
import * as v from 'valibot';
import { checkOptions } from './check-options.ts';
import type { FlagSet, FlagValue } from './flag.ts';
import { formatFlag } from './format-flag.ts';
import { groupFlag } from './group-name.ts';

const port = v.optional(v.pipe(v.number(), v.maxValue(65_535, 'bad port')), 0);

const definition = {
  flags: {
    'proxy-port': { kind: 'int', help: '', schema: port },
    'target-port': { kind: 'int', help: '', schema: port },
    server: { kind: 'string', help: '', required: true, schema: v.optional(v.string(), '') },
    all: { kind: 'bool', help: '', schema: v.optional(v.boolean(), false) },
    format: formatFlag(['json', 'text'], 'text'),
    group: groupFlag,
    issuer: { kind: 'string', help: '', schema: v.optional(v.string()) },
    'client-id': { kind: 'string', help: '', schema: v.optional(v.string()) },
  } satisfies FlagSet,
  exclusive: [['group', 'all']] as const,
  together: [['issuer', 'client-id']] as const,
};

test('absent flags have their defaults, names are those of the code', () => {
  expect(checkOptions(definition, new Map([['server', 'x']]))).toEqual({
    proxyPort: 0,
    targetPort: 0,
    server: 'x',
    all: false,
    format: 'text',
    group: '',
    issuer: undefined,
    clientId: undefined,
  });
});

describe('the first problem in the order of the chapter', () => {
  const all = {
    'proxy-port': 70_000,
    'target-port': 70_000,
    all: false,
    group: 'G',
    format: 'yaml',
    issuer: 'i',
  };
  const rows: readonly (readonly [string, Record<string, FlagValue>, string])[] = [
    ['format', all, 'invalid format "yaml", must be one of: json, text'],
    ['group', { ...all, format: 'json' }, 'invalid group name in --group: group name must be lowercase'],
    ['required', { ...all, format: 'json', group: 'g' }, 'required flag(s) "server" not set'],
    [
      'exclusive',
      { ...all, format: 'json', group: '', server: '' },
      'if any flags in the group [group all] are set none of the others can be; [all group] were all set',
    ],
    [
      'together',
      { 'proxy-port': 70_000, issuer: 'i', server: '' },
      'if any flags in the group [issuer client-id] are set they must all be set; missing [client-id]',
    ],
    [
      'the rest, all at once',
      { 'proxy-port': 70_000, 'target-port': 70_000, server: '' },
      'bad port\nbad port',
    ],
  ];
  test.each(rows)('%s', (_step, given, message) => {
    expect(() => checkOptions(definition, new Map(Object.entries(given)))).toThrow(new Error(message));
  });
});
