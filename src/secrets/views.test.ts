import { describe, expect, test } from 'bun:test';
import { parseSecretParameter } from '../records/index.ts';
import { createEmptyStore, createEnvironmentStore, withEnvironmentFallback } from './environment-store.ts';
import { resolveSecretParameters } from './parameters.ts';
import { notFound } from './read-only.ts';
import type { SecretsStore } from './types.ts';
import { scopedSecrets, scopeOf, userSecrets } from './views.ts';

/** A store that can do everything, in memory. */
function storeOf(
  entries: Readonly<Record<string, string>> = {},
): SecretsStore & { readonly all: Map<string, string> } {
  const all = new Map(Object.entries(entries));
  return {
    all,
    type: 'encrypted',
    capabilities: { canRead: true, canWrite: true, canDelete: true, canList: true, canCleanup: true },
    async get(name) {
      const value = all.get(name);
      if (value === undefined) throw notFound(name);
      return value;
    },
    set: async (name, value) => void all.set(name, value),
    async delete(name) {
      if (!all.delete(name)) throw notFound(name);
    },
    list: async () => [...all.keys()].sort().map((key) => ({ key })),
  };
}

const RESERVED = 'secret name is reserved for system use and cannot be managed via user commands: cannot';
const refusal = (action: Promise<unknown>) =>
  action.then(
    () => undefined,
    (error: Error) => error.message,
  );

describe("the user's view", () => {
  test('reads, writes, deletes and lists what is not reserved', async () => {
    const store = storeOf({ b: '2', __thv_workloads_x: 'hidden' });
    const view = userSecrets(store);
    await view.set('a', '1');
    expect(await view.list()).toEqual([{ key: 'a' }, { key: 'b' }]);
    expect(await view.get('a')).toBe('1');
    await view.delete('a');
    expect(await refusal(view.get('a'))).toBe('secret not found: a');
  });

  test('refuses reserved names, whether they exist or not', async () => {
    const view = userSecrets(storeOf({ __thv_workloads_x: 'hidden' }));
    expect(await refusal(view.get('__thv_workloads_x'))).toBe(`${RESERVED} get "__thv_workloads_x"`);
    expect(await refusal(view.set('__thv_y', 'v'))).toBe(`${RESERVED} set "__thv_y"`);
    expect(await refusal(view.delete('__thv_y'))).toBe(`${RESERVED} delete "__thv_y"`);
    expect(await refusal(view.get(''))).toBe('secret name cannot be empty');
  });

  test('what the provider cannot do comes before what is wrong with the name', async () => {
    const view = userSecrets(createEnvironmentStore({}));
    expect(await refusal(view.set('__thv_y', 'v'))).toBe(
      'the environment secrets provider does not support setting secrets (read-only)',
    );
    expect(await refusal(view.delete('__thv_y'))).toBe(
      'the environment secrets provider does not support deleting secrets',
    );
    expect(await refusal(view.list())).toBe(
      'the environment secrets provider does not support listing secrets',
    );
    expect(await refusal(view.get('plain'))).toBe(
      'secret not found: plain. Hint: set the variable TOOLHIVE_SECRET_plain',
    );
  });

  test.each(['a,b', 'a\nb', 'a\u0000', '\u007f'])(
    '%j cannot be set, for it could not be referred to',
    async (name) => {
      const store = storeOf();
      expect(await refusal(userSecrets(store).set(name, 'v'))).toContain(
        'commas and control characters are not allowed',
      );
      expect(store.all.size).toBe(0);
    },
  );

  test.each(['a b', 'ä', 'op://v/i/f', '-x', '_thv_', '=', '__proto__'])('%j can be set', async (name) => {
    const view = userSecrets(storeOf());
    await view.set(name, 'v');
    expect(await view.get(name)).toBe('v');
  });
});

describe('the view of a scope', () => {
  test('stores under its prefix, shows names without it, and sees no other scope', async () => {
    const store = storeOf({ __thv_registry_a: '1', plain: '2' });
    const view = scopedSecrets(store, 'workloads');
    await view.set('token', 'v');
    expect(store.all.get('__thv_workloads_token')).toBe('v');
    expect(await view.list()).toEqual([{ key: 'token' }]);
    expect(await refusal(view.get('a'))).toBe('secret not found: a');
  });

  test('reads what older versions kept under the bare name, its own first', async () => {
    const store = storeOf({ token: 'old' });
    const view = scopedSecrets(store, 'workloads');
    expect(await view.get('token')).toBe('old');
    await view.set('token', 'new');
    expect(await view.get('token')).toBe('new');
    expect(store.all.get('token')).toBe('old');
  });

  test.each([
    ['__thv_registry_a', 'registry'],
    ['__thv_workloads_', 'workloads'],
    ['__thv_llm_a_b', 'llm'],
    ['__thv_auth_a', 'auth'],
    ['__thv_other_a', undefined],
    ['registry_a', undefined],
  ] as const)('%s belongs to scope %s', (name, scope) => {
    expect(scopeOf(name)).toBe(scope);
  });
});

describe('the environment behind a store', () => {
  const env = { TOOLHIVE_SECRET_a: 'from env', TOOLHIVE_SECRET_empty: '', TOOLHIVE_SECRET_B: 'other case' };

  test('answers for what the store does not have, in the exact spelling', async () => {
    const store = withEnvironmentFallback(storeOf({ own: '1' }), env);
    expect(await store.get('own')).toBe('1');
    expect(await store.get('a')).toBe('from env');
    expect(await refusal(store.get('A'))).toBe('secret not found: A');
    expect(await refusal(store.get('b'))).toBe('secret not found: b');
    expect(await refusal(store.get('empty'))).toBe('secret not found: empty');
  });

  test('the store wins, and other failures stay what they are', async () => {
    expect(await withEnvironmentFallback(storeOf({ a: 'stored' }), env).get('a')).toBe('stored');
    const broken = { ...storeOf(), get: () => Promise.reject(new Error('locked')) };
    expect(await refusal(withEnvironmentFallback(broken, env).get('a'))).toBe('locked');
  });

  test.each([
    ['true', 'secret not found: a'],
    ['TRUE', undefined],
    ['1', undefined],
    ['', undefined],
  ])('TOOLHIVE_DISABLE_ENV_FALLBACK=%s', async (value, problem) => {
    const store = withEnvironmentFallback(createEmptyStore(), {
      ...env,
      TOOLHIVE_DISABLE_ENV_FALLBACK: value,
    });
    expect(await refusal(store.get('a'))).toBe(problem as string);
  });
});

describe('--secret', () => {
  test.each([
    ['a,target=B', { name: 'a', target: 'B' }],
    ['a b,target=C', { name: 'a b', target: 'C' }],
  ])('%j', (text, expected) => {
    expect(parseSecretParameter(text)).toEqual(expected);
  });

  test('a target that no variable can have as its name is refused', () => {
    expect(() => parseSecretParameter('a,target=B,target=C')).toThrow('invalid secret target: ');
  });

  test.each(['', 'a', 'a,', ',target=B', 'a,target=', 'a,b,target=C', 'a,Target=B'])(
    '%j is refused',
    (text) => {
      expect(() => parseSecretParameter(text)).toThrow(`invalid secret parameter format: ${text}`);
    },
  );

  test('values by variable, the last of equal targets wins', async () => {
    const store = storeOf({ a: '1', b: '2' });
    const values = await resolveSecretParameters(['a,target=X', 'a,target=Y', 'b,target=X'], store);
    expect({ ...values }).toEqual({ X: '2', Y: '1' });
  });

  test('nothing is read when one of them makes no sense; a missing one is named', async () => {
    const read: string[] = [];
    const store = { ...storeOf(), get: async (name: string) => read.push(name).toString() };
    expect(await refusal(resolveSecretParameters(['a,target=X', 'b'], store))).toBe(
      'invalid secret parameter format: b',
    );
    expect(read).toEqual([]);
    expect(await refusal(resolveSecretParameters(['b,target=X'], storeOf()))).toBe(
      'failed to get secrets: secret not found: b',
    );
  });

  test("a reserved name is no user's to give, a registry variable is found among the workloads'", async () => {
    const store = storeOf({ __thv_workloads_x: '1', '__thv_workloads_registry-user-key': '2' });
    expect(await refusal(resolveSecretParameters(['__thv_workloads_x,target=X'], store))).toBe(
      `failed to get secrets: ${RESERVED} get "__thv_workloads_x"`,
    );
    expect({ ...(await resolveSecretParameters(['registry-user-key,target=K'], store)) }).toEqual({ K: '2' });
    expect(await refusal(resolveSecretParameters(['x,target=X'], store))).toBe(
      'failed to get secrets: secret not found: x',
    );
  });
});
