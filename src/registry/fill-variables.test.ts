import { describe, expect, test } from 'bun:test';
import { silentLogger } from '../platform/index.ts';
import type { EntryHeader } from './entry.ts';
import { fillHeaders, fillVariables, type Question } from './fill-variables.ts';

function declare(name: string, facts: Partial<EntryHeader> = {}): EntryHeader {
  return { name, description: '', required: false, default: '', secret: false, choices: [], ...facts };
}

/** A person with answers and a store with secrets; what was asked and stored can be looked at. */
function world(
  options: { answers?: Record<string, string>; store?: readonly string[]; refuses?: boolean } = {},
) {
  const { answers, store, refuses } = options;
  const asked: Question[] = [];
  const saved: Record<string, string> = {};
  return {
    asked,
    saved,
    sources: {
      logger: silentLogger,
      ask:
        answers &&
        (async (question: Question) => {
          asked.push(question);
          return answers[question.name];
        }),
      secrets: store && {
        has: async (name: string) => store.includes(name),
        save: async (name: string, value: string) => {
          if (refuses) throw new Error('locked');
          saved[name] = value;
          return `${name}_1`;
        },
      },
    },
  };
}

describe('fillVariables with a person to ask', () => {
  const KEY = { required: true, secret: true };
  const rows: readonly (readonly [string, EntryHeader, Parameters<typeof world>[0], object])[] = [
    [
      'required: asked for',
      declare('A', { required: true }),
      { answers: { A: 'one two' } },
      { plain: { A: 'one two' } },
    ],
    [
      'required with a default: not asked for',
      declare('A', { required: true, default: 'd' }),
      { answers: {} },
      { plain: { A: 'd' } },
    ],
    [
      'required secret in the store',
      declare('A', KEY),
      { answers: {}, store: ['A'] },
      { secrets: { A: 'A' } },
    ],
    [
      'required secret not in the store',
      declare('A', KEY),
      { answers: { A: 'x' }, store: [] },
      { secrets: { A: 'registry-user-a_1' } },
    ],
    ['required secret without a store', declare('A', KEY), { answers: { A: 'x' } }, { plain: { A: 'x' } }],
    [
      'required secret, store does not take it',
      declare('A', KEY),
      { answers: { A: 'x' }, store: [], refuses: true },
      { plain: { A: 'x' } },
    ],
    ['optional default', declare('A', { default: 'd' }), { answers: {} }, { plain: { A: 'd' } }],
    [
      'optional secret default',
      declare('A', { default: 'd', secret: true }),
      { answers: {}, store: [] },
      { secrets: { A: 'registry-default-a_1' } },
    ],
    ['optional without default', declare('A'), { answers: { A: 'x' } }, {}],
  ];
  test.each(rows)('%s', async (_what, variable, options, expected) => {
    const filled = await fillVariables([variable], new Set(), world(options).sources);
    expect(filled).toEqual({ plain: {}, secrets: {}, ...expected });
  });

  test('no answer is an error, and nothing was stored', async () => {
    const { sources, saved } = world({ answers: { A: 'x', B: '' }, store: [] });
    const declared = [declare('A', KEY), declare('B', { required: true }), declare('C', { required: true })];
    await expect(fillVariables(declared, new Set(), sources)).rejects.toThrow(
      /^missing required environment variable: B\. Hint: /,
    );
    expect(saved).toEqual({});
  });

  test('what the user provided is left alone', async () => {
    const { sources, asked } = world({ answers: {} });
    const filled = await fillVariables([declare('A', { required: true })], new Set(['A']), sources);
    expect([filled, asked]).toEqual([{ plain: {}, secrets: {} }, []]);
  });

  test('the question says what is wanted', async () => {
    const { sources, asked } = world({ answers: { A: 'x' } });
    await fillVariables([declare('A', { ...KEY, description: 'the key' })], new Set(), sources);
    const kind = 'environment variable';
    expect(asked).toEqual([{ kind, name: 'A', description: 'the key', secret: true, choices: [] }]);
  });
});

describe('fillVariables with nobody to ask', () => {
  test('all that is missing is named at once', async () => {
    const declared = [
      declare('A', { required: true }),
      declare('B'),
      declare('C', { required: true, secret: true }),
    ];
    await expect(fillVariables(declared, new Set(), world({ store: [] }).sources)).rejects.toThrow(
      /^missing required environment variable: A, C\. Hint: /,
    );
  });

  test('defaults are plain, secret or not; nothing is stored', async () => {
    const { sources, saved } = world({ store: ['C'] });
    const declared = [
      declare('A', { default: 'a', secret: true }),
      declare('B', { default: 'b', required: true }),
      declare('C', { required: true, secret: true }),
    ];
    expect(await fillVariables(declared, new Set(), sources)).toEqual({
      plain: { A: 'a', B: 'b' },
      secrets: { C: 'C' },
    });
    expect(saved).toEqual({});
  });
});

describe('fillHeaders', () => {
  test('a header provided in another case is provided', async () => {
    const filled = await fillHeaders(
      [declare('X-Key', { required: true })],
      new Set(['x-key']),
      world().sources,
    );
    expect(filled).toEqual({ plain: {}, secrets: {} });
  });

  test('a missing one is named', async () => {
    await expect(
      fillHeaders([declare('X-Key', { required: true })], new Set(), world().sources),
    ).rejects.toThrow(/^missing required header: X-Key\. Hint: /);
  });

  test('an answer that is none of the choices is refused without being repeated', async () => {
    const { sources } = world({ answers: { 'X-V': 'hidden-value' } });
    const header = declare('X-V', { required: true, choices: ['a', 'b'] });
    await expect(fillHeaders([header], new Set(), sources)).rejects.toThrow(
      'invalid value for X-V, must be one of: a, b',
    );
  });
});
