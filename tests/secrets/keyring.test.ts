import { describe, expect, test } from 'bun:test';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startOnTerminal } from '../harness/pty.ts';
import { BINARY, openWorld, type World } from '../harness/world.ts';

/**
 * The real stores of a Linux machine, each out of reach of the machine's own: a GNOME keyring on a D-Bus session of the test's,
 * and the kernel's user keyring in a user namespace of the test's.
 */

const SECRET_SERVICE = ['dbus-run-session', '--', 'sh', '-c'];
const KERNEL = ['unshare', '--user', '--map-root-user', 'sh', '-c'];
const UNLOCK = 'printf x | gnome-keyring-daemon --unlock --components=secrets --daemonize >/dev/null 2>&1';

const hasSecretService = ['dbus-run-session', 'gnome-keyring-daemon', 'secret-tool'].every(
  (program) => process.platform === 'linux' && Bun.which(program) !== null,
);
if (!hasSecretService) process.stderr.write('SKIPPED the Secret Service: no gnome-keyring here\n');

const KERNEL_PROBE = 'printf "encrypted\\npw\\n" | "$THV" secret setup';
const hasKernelKeyring = await worksInKernel();
if (!hasKernelKeyring)
  process.stderr.write('SKIPPED the kernel keyring: no user namespaces or no keyring here\n');

async function worksInKernel(): Promise<boolean> {
  if (process.platform !== 'linux' || Bun.which('unshare') === null) return false;
  await using world = await openWorld(undefined);
  return (await inside(world, KERNEL, KERNEL_PROBE)).exitCode === 0;
}

/** A script that calls `"$THV"`, where one keyring can be reached. */
function inside(world: World, [program = '', ...args]: readonly string[], script: string, stdin = '') {
  return world.thv([...args, script], {
    executable: program,
    env: { THV: BINARY, TOOLHIVE_KEYRING: undefined },
    stdin,
  });
}

const stores = [
  ['the Secret Service', hasSecretService, SECRET_SERVICE, `${UNLOCK}; `],
  ['the kernel keyring', hasKernelKeyring, KERNEL, ''],
] as const;

describe.each(stores)('%s', (_, isThere, wrapper, unlock) => {
  test.skipIf(!isThere)('keeps the password that a pipe gave at the setup', async () => {
    await using world = await openWorld(undefined);
    const script = `${unlock}printf 'encrypted\\npw\\n' | "$THV" secret setup >/dev/null && printf value | "$THV" secret set a && "$THV" secret get a`;
    expect(await inside(world, wrapper, script)).toMatchObject({ exitCode: 0, stdout: 'value\n' });
    // It is the password that was piped in, and nothing of it lies in a file.
    const env = { TOOLHIVE_SECRETS_PASSWORD: 'pw' };
    expect(await world.ok(['secret', 'get', 'a'], { env })).toBe('value\n');
  });

  test.skipIf(!isThere)('wins over the variable, which is not kept', async () => {
    await using world = await openWorld(undefined);
    const script = [
      `${unlock}TOOLHIVE_SECRETS_PASSWORD=pw "$THV" secret provider encrypted`,
      'printf value | TOOLHIVE_SECRETS_PASSWORD=pw "$THV" secret set a',
      '"$THV" secret get a </dev/null', // nothing was kept: asks, and gets nothing
      'printf "pw\\n" | "$THV" secret get a 2>/dev/null', // kept from now on
      'TOOLHIVE_SECRETS_PASSWORD=other "$THV" secret get a',
    ].join('\n');
    const { stdout, stderr, exitCode } = await inside(world, wrapper, script);
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: 'value\nvalue\n' });
    expect(stderr).toContain('Please enter your keyring password: ');
    expect(stderr).toContain('password cannot be empty');
  });

  test.skipIf(!isThere)('is not touched by a wrong password, and forgets on request', async () => {
    await using world = await openWorld(undefined);
    const script = [
      `${unlock}printf 'encrypted\\npw\\n' | "$THV" secret setup >/dev/null`,
      'printf value | "$THV" secret set a',
      '"$THV" secret reset-keyring && "$THV" secret reset-keyring && echo forgotten twice',
      'printf "wrong\\n" | "$THV" secret get a 2>/dev/null || echo refused',
      'printf "pw\\n" | "$THV" secret get a 2>/dev/null',
      '"$THV" secret get a',
    ].join('\n');
    expect(await inside(world, wrapper, script)).toMatchObject({
      exitCode: 0,
      stdout: 'forgotten twice\nrefused\nvalue\nvalue\n',
    });
  });

  test.skipIf(!isThere)('the probe leaves nothing behind', async () => {
    await using world = await openWorld(undefined);
    const listing =
      wrapper === KERNEL
        ? // The kernel takes away a little later what was unlinked.
          'n=0; while grep -q toolhive-test /proc/keys && [ $n -lt 50 ]; do sleep 0.1; n=$((n + 1)); done; grep -c toolhive-test /proc/keys || true'
        : 'secret-tool search --all service toolhive-test 2>&1 | grep -c toolhive-test || true';
    const script = `${unlock}TOOLHIVE_SECRETS_PASSWORD=pw "$THV" secret provider encrypted; ${listing}`;
    expect((await inside(world, wrapper, script)).stdout).toBe('0\n');
  });
});

describe.skipIf(!hasSecretService)('a password that another version keeps in the Secret Service', () => {
  const STORE = `printf 'theirs' | secret-tool store --label="Password for 'toolhive' on 'toolhive'" service toolhive username toolhive`;

  test('is used', async () => {
    await using world = await openWorld(undefined);
    const script = `${UNLOCK}; ${STORE}; "$THV" secret provider encrypted && printf value | "$THV" secret set a`;
    expect(await inside(world, SECRET_SERVICE, script)).toMatchObject({
      exitCode: 0,
      stderr: expect.anything(),
    });
    const env = { TOOLHIVE_SECRETS_PASSWORD: 'theirs' };
    expect(await world.ok(['secret', 'get', 'a'], { env })).toBe('value\n');
  });

  test('is forgotten by reset-keyring as well', async () => {
    await using world = await openWorld(undefined);
    const script = `${UNLOCK}; ${STORE}; "$THV" secret reset-keyring; secret-tool lookup service toolhive username toolhive || echo gone`;
    expect((await inside(world, SECRET_SERVICE, script)).stdout).toBe('gone\n');
  });
});

describe.skipIf(!hasKernelKeyring)('a person at the terminal', () => {
  const onTerminal = (world: World, script: string) =>
    startOnTerminal([...KERNEL, script], {
      env: { ...world.env, THV: BINARY, TOOLHIVE_KEYRING: undefined },
      cwd: world.work,
    });

  test('goes through the setup without the password being shown', async () => {
    await using world = await openWorld(undefined);
    const pty = onTerminal(world, '"$THV" secret setup && "$THV" secret set a && "$THV" secret get a');
    await pty.appeared('Enter provider (encrypted/1password/environment/exec): ');
    pty.type('vault\r');
    await pty.appeared('Invalid provider.');
    await pty.appeared('Enter provider');
    pty.type('encrypted\r');
    await pty.appeared('Please enter your keyring password: ');
    pty.type('hidden-pässwort\r');
    await pty.appeared('has been successfully configured!');
    await pty.appeared('Enter secret value (input will be hidden): ');
    pty.type('vaX\u007flue\r');
    await pty.appeared('value');
    expect(await pty.finished()).toBe(0);
    expect(pty.screen).not.toContain('hidden-p');
    expect(pty.screen.match(/vaX/)).toBeNull();
    const env = { TOOLHIVE_SECRETS_PASSWORD: 'hidden-pässwort' };
    expect(await world.ok(['secret', 'get', 'a'], { env })).toBe('value\n');
  });

  test('who types nothing for a password is refused, and asked again the next time', async () => {
    await using world = await openWorld(undefined);
    const pty = onTerminal(world, '"$THV" secret provider encrypted; "$THV" secret provider encrypted');
    await pty.appeared('Please enter your keyring password: ');
    pty.type('\r');
    await pty.appeared('password cannot be empty');
    await pty.appeared('Please enter your keyring password: ');
    pty.type('pw\r');
    expect(await pty.finished()).toBe(0);
    expect(await readFile(join(world.folder, 'config/toolhive/config.yaml'), 'utf8')).toContain('encrypted');
  });
});
