import { describe, expect, test } from 'bun:test';
import { lstat, mkdir, mkdtemp, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createConfigStore } from './store.ts';

const FRESH = `secrets:
    provider_type: ""
    setup_completed: false
clients:
    registered_clients: []
registry_url: ""
registry_api_url: ""
local_registry_path: ""
allow_private_registry_ip: false
`;

async function openStore(content?: string) {
  const folder = await mkdtemp(join(tmpdir(), 'thv-config-'));
  const store = createConfigStore({ config: join(folder, 'toolhive') });
  if (content !== undefined) {
    await mkdir(dirname(store.path));
    await writeFile(store.path, content);
  }
  return {
    ...store,
    text: () => readFile(store.path, 'utf8'),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
  };
}

describe('config.yaml', () => {
  test('a missing file is written fresh, readable by its owner alone', async () => {
    await using store = await openStore();
    expect(await store.read()).toEqual({
      secrets: { provider_type: '', setup_completed: false },
      clients: { registered_clients: [] },
      registry_url: '',
      registry_api_url: '',
      local_registry_path: '',
      allow_private_registry_ip: false,
    });
    expect(await store.text()).toBe(FRESH);
    expect((await stat(store.path)).mode & 0o777).toBe(0o600);
    expect((await stat(dirname(store.path))).mode & 0o777).toBe(0o700);
  });

  test('an empty file means all defaults, and reading leaves it as it is', async () => {
    await using store = await openStore('');
    expect((await store.read()).registry_url).toBe('');
    expect(await store.text()).toBe('');
  });

  test('comments, order and keys of others survive a change', async () => {
    await using store = await openStore(
      `# mine\nllm:\n    gateway: https://example.com # keep\nregistry_url: "" # none\notel:\n    custom: 1\n`,
    );
    await store.update((config) => ({
      ...config,
      registry_url: 'https://example.com/r.json',
      otel: { ...config.otel, endpoint: 'localhost:4318', 'metrics-enabled': null },
    }));
    expect(await store.text()).toBe(
      `# mine\nllm:\n    gateway: https://example.com # keep\nregistry_url: "https://example.com/r.json" # none\notel:\n    custom: 1\n    endpoint: localhost:4318\n    metrics-enabled: null\n`,
    );
  });

  test('comments beside the entries of a list survive a change of it', async () => {
    await using store = await openStore(
      `clients:\n    registered_clients:\n        # at work\n        - cursor # mine\n        - "vscode"\n`,
    );
    const register = (...registered_clients: readonly string[]) =>
      store.update((config) => ({ ...config, clients: { registered_clients: [...registered_clients] } }));
    await register('cursor', 'vscode', 'zed');
    await register('cursor', 'zed');
    expect(await store.text()).toBe(
      `clients:\n    registered_clients:\n        # at work\n        - cursor # mine\n        - zed\n`,
    );
    await register();
    await register('kiro');
    expect(await store.text()).toBe('clients:\n    registered_clients:\n        - kiro\n');
  });

  test('a file that is linked to is written where it is', async () => {
    await using store = await openStore('');
    const elsewhere = join(dirname(dirname(store.path)), 'elsewhere.yaml');
    await rename(store.path, elsewhere);
    await symlink(elsewhere, store.path);
    await store.update((config) => ({ ...config, disable_usage_metrics: true }));
    expect(await readFile(elsewhere, 'utf8')).toBe('disable_usage_metrics: true\n');
    expect((await lstat(store.path)).isSymbolicLink()).toBe(true);
  });

  test('values of a mapping of texts need no quotes', async () => {
    await using store = await openStore('build_env:\n    PORT: 8080\n    VERSION: 1.10\n    ON: true\n');
    expect((await store.read()).build_env).toEqual({ PORT: '8080', VERSION: '1.10', ON: 'true' });
  });

  test('a key that becomes undefined leaves the file', async () => {
    await using store = await openStore('ca_certificate_path: /a.pem\nbuild_env:\n    A: "1"\n    B: "2"\n');
    await store.update(({ ca_certificate_path: _, ...config }) => ({ ...config, build_env: { B: '2' } }));
    expect(await store.text()).toBe('build_env:\n    B: "2"\n');
  });

  test('a change that throws writes nothing', async () => {
    await using store = await openStore(FRESH);
    const change = () => {
      throw new Error('no');
    };
    await expect(store.update(change)).rejects.toThrow('no');
    expect(await store.text()).toBe(FRESH);
  });

  test('twenty changes at once all take effect', async () => {
    await using store = await openStore();
    await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        store.update((config) => ({ ...config, build_env: { ...config.build_env, [`V${index}`]: 'x' } })),
      ),
    );
    expect(Object.keys((await store.read()).build_env ?? {})).toHaveLength(20);
  });

  test.each([
    ['provider_type: basic', 'encrypted'],
    ['provider_type: 1password', '1password'],
  ])('what an older version wrote is brought up to date: %s', async (line, provider) => {
    await using store = await openStore(`secrets:\n    ${line}\n    setup_completed: false\n`);
    expect((await store.read()).secrets).toEqual({ provider_type: provider, setup_completed: true });
    expect(await store.text()).toBe(`secrets:\n    provider_type: ${provider}\n    setup_completed: true\n`);
  });

  test.each([
    ['registry_url: [', /^failed to parse config file yaml: .*config\.yaml: /s],
    ['a: 1\n---\nb: 2\n', /^failed to parse config file yaml: .*config\.yaml: more than one document$/],
    ['- a\n- b\n', /^failed to parse config file yaml: .*not a mapping of keys$/],
    ['registry_url: 7\nallow_private_registry_ip: maybe\n', /registry_url: .*; allow_private_registry_ip: /],
  ])('a file that cannot be used is an error and stays as it is: %j', async (content, message) => {
    await using store = await openStore(content);
    await expect(store.read()).rejects.toThrow(message);
    await expect(store.update((config) => config)).rejects.toThrow(message);
    expect(await store.text()).toBe(content);
  });
});
