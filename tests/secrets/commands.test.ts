import { describe, expect, test } from 'bun:test';
import { chmod, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openWorld, type World } from '../harness/world.ts';

const PASSWORD = { TOOLHIVE_SECRETS_PASSWORD: 'correct horse' };
const NOT_SET_UP =
  "secrets provider not configured. Please run 'thv secret setup' to configure a secrets provider first";
const SEE_LIST = "Hint: use 'thv secret list' to see available secrets";
const LONG = { timeoutMs: 30_000 };

/** A user without a keyring who keeps secrets in the encrypted file. */
async function openEncrypted(): Promise<World> {
  const world = await openWorld(undefined, { env: PASSWORD });
  await world.ok(['secret', 'provider', 'encrypted']);
  return world;
}

const storeOf = (world: World) => join(world.data, 'secrets_encrypted');
const configOf = (world: World) => join(world.folder, 'config/toolhive/config.yaml');

async function writeConfig(world: World, secrets: string): Promise<void> {
  await mkdir(join(world.folder, 'config/toolhive'), { recursive: true });
  await writeFile(configOf(world), `secrets:\n${secrets}`);
}

async function failing(world: World, args: readonly string[], options?: Parameters<World['thv']>[1]) {
  const { exitCode, stdout, stderr } = await world.thv(args, options);
  expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
  return stderr;
}

describe('before the setup', () => {
  test.each([
    ['get', ['get', 'a'], undefined],
    ['set', ['set', 'a'], 'value'],
    ['delete', ['delete', 'a'], undefined],
    ['list', ['list'], undefined],
    ['list --system', ['list', '--system'], undefined],
  ])('%s says what to do', async (_, args, stdin) => {
    await using world = await openWorld(undefined);
    const options = stdin === undefined ? {} : { stdin };
    expect(await failing(world, ['secret', ...args], options)).toBe(
      `Error: failed to create secrets manager: ${NOT_SET_UP}\n`,
    );
  });

  test('the environment provider works, and no other that the environment names', async () => {
    await using world = await openWorld(undefined);
    const env = { TOOLHIVE_SECRETS_PROVIDER: 'environment', 'TOOLHIVE_SECRET_my-key': 'value' };
    expect(await world.ok(['secret', 'get', 'my-key'], { env })).toBe('value\n');
    expect(await failing(world, ['secret', 'get', 'MY-KEY'], { env })).toBe(
      'Error: failed to get secret MY-KEY: secret not found: MY-KEY. Hint: set the variable TOOLHIVE_SECRET_MY-KEY\n',
    );
    expect(
      await failing(world, ['secret', 'get', 'a'], { env: { TOOLHIVE_SECRETS_PROVIDER: 'encrypted' } }),
    ).toBe(
      `Error: failed to create secrets manager: provider "encrypted" requires setup to be completed. Only 'environment' provider can be used without setup. Please run 'thv secret setup' or use TOOLHIVE_SECRETS_PROVIDER=environment\n`,
    );
  });

  test.each(['none', 'Encrypted', 'vault'])('provider %s is refused', async (type) => {
    await using world = await openWorld(undefined);
    expect(await failing(world, ['secret', 'provider', type])).toBe(
      `Error: invalid secrets provider type: ${type} (valid types: encrypted, 1password, environment, exec)\n`,
    );
  });

  test.each([
    [['secret', 'set', 'a'], '', 'validation error: secret value cannot be empty'],
    [['secret', 'set', 'a'], '\n', 'validation error: secret value cannot be empty'],
    [['secret', 'set'], '', 'accepts 1 arg(s), received 0'],
    [
      ['secret', 'delete', 'a', '--system'],
      '',
      '--system flag requires a system key (starting with "__thv_"); got "a"',
    ],
    [['secret', 'frob'], '', 'unknown command "frob" for "thv secret"'],
    [['secret', 'list', 'x'], '', 'unknown command "x" for "thv secret list"'],
  ])('%j with stdin %j is refused before anything is opened', async (args, stdin, reason) => {
    await using world = await openWorld(undefined);
    expect(await failing(world, args, { stdin })).toBe(`Error: ${reason}\n`);
    expect(await Bun.file(configOf(world)).exists()).toBe(false);
  });
});

describe('the encrypted provider', () => {
  test('keeps, replaces, lists sorted, deletes', async () => {
    await using world = await openEncrypted();
    expect(await world.ok(['secret', 'list'])).toBe('No secrets found\n');
    expect(await world.ok(['secret', 'set', 'zeta'], { stdin: 'one' })).toBe('');
    await world.ok(['secret', 'set', 'alpha'], { stdin: 'two' });
    await world.ok(['secret', 'set', 'zeta'], { stdin: 'three' });
    expect(await world.ok(['secret', 'list'])).toBe('Available secrets:\n  - alpha\n  - zeta\n');
    expect(JSON.parse(await world.ok(['secret', 'list', '--format', 'json']))).toEqual([
      { key: 'alpha' },
      { key: 'zeta' },
    ]);
    expect(await world.ok(['secret', 'get', 'zeta'])).toBe('three\n');
    expect(await world.ok(['secret', 'delete', 'zeta'])).toBe('');
    expect(await failing(world, ['secret', 'get', 'zeta'])).toBe(
      `Error: failed to get secret zeta: secret not found: zeta. ${SEE_LIST}\n`,
    );
    expect(await failing(world, ['secret', 'delete', 'zeta'])).toBe(
      `Error: failed to delete secret zeta: secret not found: zeta. ${SEE_LIST}\n`,
    );
    expect((await stat(storeOf(world))).mode & 0o777).toBe(0o600);
  });

  test.each([
    ['one newline at the end is dropped', 'a\n', 'a'],
    ['only one', 'a\n\n', 'a\n'],
    ['inner newlines stay', 'a\nb', 'a\nb'],
    ['a carriage return stays', 'a\r\n', 'a\r'],
    ['blanks stay', ' a ', ' a '],
    ['unicode stays', 'pässwörd 🔑', 'pässwörd 🔑'],
    ['a megabyte stays', 'x'.repeat(1024 * 1024), 'x'.repeat(1024 * 1024)],
  ])('of a piped value %s', async (_, stdin, value) => {
    await using world = await openEncrypted();
    await world.ok(['secret', 'set', 'a'], { stdin });
    expect(await world.ok(['secret', 'get', 'a'])).toBe(`${value}\n`);
  });

  test('reserved names and names that cannot be referred to are refused', async () => {
    await using world = await openEncrypted();
    const reserved = 'secret name is reserved for system use and cannot be managed via user commands: cannot';
    expect(await failing(world, ['secret', 'get', '__thv_x'])).toBe(
      `Error: failed to get secret __thv_x: ${reserved} get "__thv_x"\n`,
    );
    expect(await failing(world, ['secret', 'set', '__thv_x'], { stdin: 'v' })).toBe(
      `Error: failed to set secret __thv_x: ${reserved} set "__thv_x"\n`,
    );
    expect(await failing(world, ['secret', 'delete', '__thv_x'])).toBe(
      `Error: failed to delete secret __thv_x: ${reserved} delete "__thv_x"\n`,
    );
    expect(await failing(world, ['secret', 'set', 'a,b'], { stdin: 'v' })).toContain(
      'invalid secret name "a,b": commas and control characters are not allowed',
    );
    expect(await world.ok(['secret', 'list'])).toBe('No secrets found\n');
  });

  test("the program's own secrets are listed and deleted with --system alone", async () => {
    await using world = await openEncrypted();
    await world.ok(['config', 'set-build-auth-file', 'npmrc', '--stdin'], { stdin: 'a\nb\n' });
    expect(await world.ok(['secret', 'list'])).toBe('No secrets found\n');
    const name = '__thv_workloads_BUILD_AUTH_FILE_npmrc';
    expect(await world.ok(['secret', 'list', '--system'])).toBe(
      `System-managed secrets:\n  - ${name}  [workloads]\n`,
    );
    expect(await world.ok(['config', 'get-build-auth-file', 'npmrc', '--show-content'])).toBe(
      'npmrc: 2 line(s) -> /root/.npmrc\nContent:\na\nb\n',
    );
    await world.ok(['secret', 'delete', name, '--system']);
    expect(await world.ok(['secret', 'list', '--system'])).toBe('No system-managed secrets found\n');
  });

  test('a wrong password changes nothing and says what to do', async () => {
    await using world = await openEncrypted();
    await world.ok(['secret', 'set', 'a'], { stdin: 'value' });
    const before = await readFile(storeOf(world));
    const env = { TOOLHIVE_SECRETS_PASSWORD: 'wrong' };
    for (const [args, stdin] of [
      [['get', 'a'], ''],
      [['set', 'b'], 'x'],
      [['provider', 'encrypted'], ''],
    ] as const) {
      const stderr = await failing(world, ['secret', ...args], { env, stdin });
      expect(stderr).toStartWith(`Secrets file decryption failed: ${storeOf(world)}\n`);
      expect(stderr).toContain('unable to decrypt secrets file: the password is wrong');
    }
    expect(await readFile(storeOf(world))).toEqual(before);
    expect(await world.ok(['secret', 'get', 'a'])).toBe('value\n');
  });

  test('a file that was cut short is refused and stays as it is, and that it may be damaged is said', async () => {
    await using world = await openEncrypted();
    await world.ok(['secret', 'set', 'a'], { stdin: 'value' });
    const whole = await readFile(storeOf(world));
    await writeFile(storeOf(world), whole.subarray(0, -5));
    const stderr = await failing(world, ['secret', 'set', 'b'], { stdin: 'x' });
    expect(stderr).toContain('unable to decrypt secrets file');
    expect(stderr).toContain('- File damaged: put back a copy of it');
    expect(await readFile(storeOf(world))).toEqual(whole.subarray(0, -5));
  });

  test('without a keyring and without the variable, the error names both ways out', async () => {
    await using world = await openWorld(undefined);
    const reason =
      'OS keyring is not available. The encrypted provider requires an OS keyring to securely store passwords. Please use a different secrets provider (e.g., 1password), or ensure your system has a keyring service available. Hint: on a machine without one, give the password in TOOLHIVE_SECRETS_PASSWORD';
    expect(await failing(world, ['secret', 'provider', 'encrypted'])).toBe(
      `Error: provider validation failed: ${reason}\n`,
    );
    expect(await failing(world, ['secret', 'reset-keyring'])).toBe(
      'Error: failed to reset keyring secret: no keyring provider available\n',
    );
    expect(await readFile(configOf(world), 'utf8')).toContain('setup_completed: false');
  });

  test('twenty commands at once all take effect', async () => {
    await using world = await openEncrypted();
    const names = Array.from({ length: 20 }, (_, index) => `s${String(index).padStart(2, '0')}`);
    await Promise.all(
      names.map((name) => world.ok(['secret', 'set', name], { ...LONG, stdin: `of ${name}` })),
    );
    expect(await world.ok(['secret', 'list'])).toBe(
      `Available secrets:\n${names.map((name) => `  - ${name}\n`).join('')}`,
    );
    await Promise.all(names.slice(1).map((name) => world.ok(['secret', 'delete', name], LONG)));
    expect(await world.ok(['secret', 'get', 's00'])).toBe('of s00\n');
    expect(await world.ok(['secret', 'list'])).toBe('Available secrets:\n  - s00\n');
  }, 60_000);

  test('the environment answers for what is not stored, unless that is switched off', async () => {
    await using world = await openEncrypted();
    const env = { TOOLHIVE_SECRET_a: 'from env' };
    expect(await world.ok(['secret', 'get', 'a'], { env })).toBe('from env\n');
    expect(
      await failing(world, ['secret', 'get', 'a'], {
        env: { ...env, TOOLHIVE_DISABLE_ENV_FALLBACK: 'true' },
      }),
    ).toContain('secret not found: a');
    expect(await world.ok(['secret', 'list'], { env })).toBe('No secrets found\n');
    await world.ok(['secret', 'set', 'a'], { stdin: 'stored' });
    expect(await world.ok(['secret', 'get', 'a'], { env })).toBe('stored\n');
  });

  test('who uses a secret that changes is named', async () => {
    await using world = await openEncrypted();
    const folder = join(world.state, 'runconfigs');
    await mkdir(folder, { recursive: true });
    const documents = {
      second: { transport: 'stdio', secrets: ['token,target=TOKEN'] },
      first: { transport: 'sse', header_forward: { add_headers_from_secret: { 'X-Key': 'token' } } },
      hook: { transport: 'sse', validating_webhooks: [{ name: 'w', hmac_secret_ref: 'token' }] },
      other: { transport: 'stdio', secrets: ['token2,target=token'] },
    };
    for (const [name, document] of Object.entries(documents))
      await writeFile(join(folder, `${name}.json`), JSON.stringify({ name, image: 'i', ...document }));
    await writeFile(join(folder, 'broken.json'), '{');
    const warning =
      '\nWarning: The following MCP servers use this secret and may need to be restarted:\n  - first\n  - hook\n  - second\n';
    const set = await world.thv(['secret', 'set', 'token'], { stdin: 'v' });
    expect(set).toEqual({ exitCode: 0, stdout: '', stderr: warning });
    expect(await world.thv(['secret', 'delete', 'token'])).toEqual({
      exitCode: 0,
      stdout: '',
      stderr: warning,
    });
    expect(await world.thv(['secret', 'set', 'unused'], { stdin: 'v' })).toEqual({
      exitCode: 0,
      stdout: '',
      stderr: '',
    });
  });
});

describe('the setup', () => {
  test('reads provider and password from a pipe', async () => {
    await using world = await openWorld(undefined, { env: PASSWORD });
    const stdout = await world.ok(['secret', 'setup'], { stdin: 'Vault\n encrypted \n' });
    expect(stdout).toContain(
      "Invalid provider. Please enter 'encrypted', '1password', 'environment', or 'exec'.\nEnter provider",
    );
    expect(stdout).toContain('You selected: encrypted\n');
    expect(stdout).toEndWith(
      "Validating provider setup...\n✓ Secrets provider 'encrypted' has been successfully configured!\n",
    );
    expect(await readFile(configOf(world), 'utf8')).toStartWith(
      'secrets:\n    provider_type: "encrypted"\n    setup_completed: true\n',
    );
    expect(await world.ok(['secret', 'list'])).toBe('No secrets found\n');
  });

  test.each([
    ['three wrong answers', 'a\nb\nc\nencrypted\n', "Invalid provider. Please enter 'encrypted',"],
    ['the end of input', 'a\n', 'failed to read input: EOF'],
    ['no input', '', 'failed to read input: EOF'],
    ['1password without a token', '1password\n', 'OP_SERVICE_ACCOUNT_TOKEN is not set'],
  ])('%s from a pipe end it, and nothing is set up', async (_, stdin, reason) => {
    await using world = await openWorld(undefined);
    const { exitCode, stderr } = await world.thv(['secret', 'setup'], { stdin });
    expect(exitCode).toBe(1);
    expect(stderr).toContain(`Error: `);
    expect(stderr).toContain(reason);
    expect(await world.thv(['secret', 'list'])).toMatchObject({ exitCode: 1 });
  });

  test('the environment provider is set up, and never written to', async () => {
    await using world = await openWorld(undefined);
    expect(await world.thv(['secret', 'provider', 'environment'])).toEqual({
      exitCode: 0,
      stdout: '',
      stderr: '',
    });
    expect(await failing(world, ['secret', 'set', 'a'], { stdin: 'v' })).toBe(
      'Error: the environment secrets provider does not support setting secrets (read-only)\n',
    );
    expect(await failing(world, ['secret', 'delete', '__thv_a'])).toBe(
      'Error: the environment secrets provider does not support deleting secrets\n',
    );
    expect(await failing(world, ['secret', 'list'])).toBe(
      'Error: the environment secrets provider does not support listing secrets\n',
    );
  });

  test('an old file that names no provider reads the environment alone', async () => {
    await using world = await openWorld(undefined);
    await writeConfig(world, '    provider_type: none\n    setup_completed: true\n');
    const env = { TOOLHIVE_SECRET_a: 'from env' };
    expect(await world.ok(['secret', 'get', 'a'], { env })).toBe('from env\n');
    expect(await world.ok(['secret', 'list'])).toBe('No secrets found\n');
    expect(await failing(world, ['secret', 'set', 'a'], { stdin: 'v' })).toBe(
      "Error: none provider doesn't support storing secrets\n",
    );
  });
});

describe('the exec provider', () => {
  /** A password manager made of files. */
  async function openManager(script: string): Promise<World & { readonly program: string }> {
    const world = await openWorld(undefined);
    const program = join(world.work, 'manager');
    await writeFile(program, `#!/bin/sh\n${script}\n`);
    await chmod(program, 0o755);
    await world.ok(['secret', 'provider', 'exec', '--', program, 'get', 'item {name}']);
    return { ...world, program };
  }

  test('gives the name as part of one argument, and takes the output less one newline', async () => {
    await using world = await openManager(`printf '%s|' "$@"; echo; echo`);
    expect(await world.ok(['secret', 'get', 'a; $(x) {name}'])).toBe('get|item a; $(x) {name}|\n\n');
    expect(await readFile(configOf(world), 'utf8')).toEndWith(
      `secrets_exec:\n    command:\n        - ${world.program}\n        - get\n        - item {name}\n`,
    );
  });

  test('a failure is told with one line, a missing secret as missing', async () => {
    await using world = await openManager(
      `case "$2" in *gone) echo 'Not found.' >&2;; *) printf 'vault is locked\\nmore\\n' >&2;; esac; exit 3`,
    );
    expect(await failing(world, ['secret', 'get', 'gone'])).toBe(
      `Error: failed to get secret gone: secret not found: gone. Hint: ${world.program} said: Not found.\n`,
    );
    expect(await failing(world, ['secret', 'get', 'a'])).toBe(
      `Error: failed to get secret a: ${world.program} ended with exit code 3: vault is locked\n`,
    );
    expect(await world.ok(['secret', 'get', 'gone'], { env: { TOOLHIVE_SECRET_gone: 'v' } })).toBe('v\n');
  });

  test('a complaint that repeats a credential or the output is kept back', async () => {
    await using world = await openManager(
      `case "$2" in *env) echo "session $BW_SESSION expired" >&2;; *) echo half; echo 'got half' >&2;; esac; exit 1`,
    );
    const env = { BW_SESSION: 'planted-session' };
    for (const name of ['env', 'out'])
      expect(await failing(world, ['secret', 'get', name], { env })).toBe(
        `Error: failed to get secret ${name}: ${world.program} ended with exit code 1\n`,
      );
  });

  test('one that does not answer is ended, with what it started holding on to its output', async () => {
    await using world = await openManager('sleep 60 & sleep 60');
    const config = await readFile(configOf(world), 'utf8');
    await writeFile(configOf(world), `${config}    timeout: 300ms\n`);
    expect(await failing(world, ['secret', 'get', 'a'])).toBe(
      `Error: failed to get secret a: ${world.program} did not answer within 0.3 s\n`,
    );
  });

  test('a program that is not there is named', async () => {
    await using world = await openWorld(undefined);
    const program = join(world.work, 'manager');
    const set = ['secret', 'provider', 'exec', '--', program, '{name}'];
    expect(await failing(world, set)).toBe(
      `Error: provider validation failed: there is no program ${program}\n`,
    );
    await writeFile(program, '#!/bin/sh\n', { mode: 0o700 });
    await world.ok(set);
    await rm(program);
    expect(await failing(world, ['secret', 'get', 'a'])).toContain(`failed to start ${program}`);
    expect(await failing(world, ['secret', 'get', '--', '-x'])).toContain(
      'the command would take it for an option',
    );
    expect(await failing(world, ['secret', 'list'])).toBe(
      'Error: the exec secrets provider does not support listing secrets\n',
    );
  });

  test.each([
    ['no command', [], 'needs a command'],
    ['no place for the name', ['pass', 'show'], 'needs {name} in exactly one argument'],
    ['the name as the program', ['{name}'], 'needs {name} in exactly one argument'],
    ['two places', ['pass', '{name}', '{name}'], 'needs {name} in exactly one argument'],
  ])('%s is refused', async (_, command, reason) => {
    await using world = await openWorld(undefined);
    expect(await failing(world, ['secret', 'provider', 'exec', '--', ...command])).toContain(reason);
    expect(await failing(world, ['secret', 'get', 'a'])).toContain(NOT_SET_UP);
  });

  test('the setup asks for the command', async () => {
    await using world = await openWorld(undefined);
    await world.ok(['secret', 'setup'], { stdin: 'exec\n  printf  %s {name} \n' });
    expect(await world.ok(['secret', 'get', 'a'])).toBe('a\n');
    const { stderr } = await world.thv(['secret', 'setup'], { stdin: 'exec\nsh -c "x {name}"\n' });
    expect(stderr).toContain('quotes and backslashes mean nothing here');
  });
});
