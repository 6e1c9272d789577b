import { describe, expect, test } from 'bun:test';
import * as v from 'valibot';
import { createCommand, createGroup, lazily } from './command.ts';
import { findCommand } from './find-command.ts';
import { GLOBAL_FLAGS } from './global-flags.ts';

const text = { kind: 'string', help: '', schema: v.optional(v.string()) } as const;
const leaf = createCommand({ usage: '', long: '', flags: {}, positionals: 'any', run: async () => {} });
const list = createCommand(
  {
    usage: '',
    long: '',
    flags: { server: text, all: { kind: 'bool', shorthand: 'a', help: '', schema: v.optional(v.boolean()) } },
    positionals: 'any',
    run: async () => {},
  },
  { tools: lazily({ description: '' }, async () => leaf) },
);
const root = createGroup('', {
  run: lazily({ description: '' }, async () => leaf),
  rm: lazily({ description: '' }, async () => leaf),
  list: lazily({ description: '', alias: ['ls'] }, async () => list),
  mcp: lazily({ description: '' }, async () =>
    createGroup('', { list: lazily({ description: '' }, async () => list) }),
  ),
  host: lazily({ description: '', hidden: true }, async () => leaf),
});

describe('the command and what is left of the arguments', () => {
  const rows: readonly (readonly [readonly string[], string, readonly string[]])[] = [
    [[], 'thv', []],
    [['--help'], 'thv', ['--help']],
    [['run', 'x'], 'thv run', ['x']],
    [['--debug', 'run', 'x'], 'thv run', ['--debug', 'x']],
    [['ls'], 'thv list', []],
    [['mcp', 'list', 'tools'], 'thv mcp list tools', []],
    [['mcp', '--server', 'tools', 'list'], 'thv mcp list', ['--server', 'tools']],
    [['list', '--server', 'tools', 'tools'], 'thv list tools', ['--server', 'tools']],
    [['list', '-a', 'tools'], 'thv list tools', ['-a']],
    [['list', 'other'], 'thv list', ['other']],
    [['list', '--', 'tools'], 'thv list', ['--', 'tools']],
    [['--', 'run'], 'thv', ['--', 'run']],
    [['--name', 'n', 'run', 'x'], 'thv run', ['--name', 'n', 'x']],
    [['--name=n', 'run'], 'thv run', ['--name=n']],
    [['host'], 'thv host', []],
  ];
  test.each(rows)('%j', async (args, path, rest) => {
    const found = await findCommand(root, args, GLOBAL_FLAGS);
    expect({ path: found.path, args: found.args }).toEqual({ path, args: rest });
  });
});

describe('words that name no command', () => {
  const rows: readonly (readonly [readonly string[], string])[] = [
    [['frob'], 'unknown command "frob" for "thv"\nRun \'thv --help\' for usage.'],
    [
      ['rn'],
      'unknown command "rn" for "thv"\n\nDid you mean this?\n\trm\n\trun\n\nRun \'thv --help\' for usage.',
    ],
    [['hos'], 'unknown command "hos" for "thv"\nRun \'thv --help\' for usage.'],
    [['mcp', 'lst'], 'unknown command "lst" for "thv mcp"'],
    [['toString'], 'unknown command "toString" for "thv"\nRun \'thv --help\' for usage.'],
  ];
  test.each(rows)('%j', async (args, message) => {
    await expect(findCommand(root, args, GLOBAL_FLAGS)).rejects.toThrow(new Error(message));
  });
});
