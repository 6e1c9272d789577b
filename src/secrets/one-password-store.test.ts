import { expect, test } from 'bun:test';
import { type OnePasswordClient, openOnePasswordStore } from './one-password-store.ts';

/** In place of 1Password's service, which the suites cannot reach: everything up to its client's surface. */
function clientOf(secrets: Readonly<Record<string, string>>): OnePasswordClient {
  return {
    secrets: {
      async resolve(reference) {
        const value = secrets[reference];
        if (value === undefined) throw new Error('error resolving secret reference: item not found');
        return value;
      },
    },
    vaults: {
      list: async () => [
        { id: 'v2', title: 'Work' },
        { id: 'v1', title: 'Home' },
      ],
    },
    items: {
      list: async (vault) => [{ id: `${vault}i`, title: `Item of ${vault}` }],
      get: async () => ({ fields: [{ id: 'f1', title: 'password' }] }),
    },
  };
}

const ENV = { OP_SERVICE_ACCOUNT_TOKEN: 'ops_planted' };
const open = (connect: (token: string) => Promise<OnePasswordClient>, signal?: AbortSignal) =>
  openOnePasswordStore(ENV, { connect, signal });
const refusal = (action: Promise<unknown>) =>
  action.then(
    () => undefined,
    (error: Error) => error.message,
  );

test('reads by reference, and lists every field of every vault, sorted', async () => {
  const store = await open(async () => clientOf({ 'op://v/i/f': 'value' }));
  expect(await store.get('op://v/i/f')).toBe('value');
  expect(await store.list()).toEqual([
    { key: 'op://v1/v1i/f1', description: 'Home :: Item of v1 :: password' },
    { key: 'op://v2/v2i/f1', description: 'Work :: Item of v2 :: password' },
  ]);
});

test('a name that is no reference is refused, what 1Password does not find is not found', async () => {
  const store = await open(async () => clientOf({}));
  expect(await refusal(store.get('plain'))).toBe('invalid secret path: plain');
  expect(await refusal(store.get('op://v/i/x'))).toBe('secret not found: op://v/i/x');
  expect(await refusal(store.set('op://v/i/x', 'v'))).toBe(
    'the 1password secrets provider does not support setting secrets (read-only)',
  );
});

test('without a token nobody is asked', async () => {
  expect(await refusal(openOnePasswordStore({}))).toBe('OP_SERVICE_ACCOUNT_TOKEN is not set');
});

test('a refusal is passed on without the token', async () => {
  const connect = () => Promise.reject(new Error('token ops_planted has expired'));
  expect(await refusal(open(connect))).toBe('error creating 1Password client: token [secret] has expired');
});

test('a caller can stop waiting for 1Password', async () => {
  const controller = new AbortController();
  const opening = open(() => new Promise(() => undefined), controller.signal);
  controller.abort();
  await expect(opening).rejects.toThrow('abort');
});

test("1Password's own client refuses a token that is none", async () => {
  expect(await refusal(openOnePasswordStore(ENV))).toStartWith(
    'error creating 1Password client: invalid service account token',
  );
});
