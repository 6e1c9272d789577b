import { chmod, copyFile, mkdir, readdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { BINARY, openWorld, type World } from '../../harness/world.ts';
import { findUv } from '../find-uv.ts';

/** A user whose secrets a folder or package is after, on a machine with one kind of sandbox. */
export interface AttackedUser extends AsyncDisposable {
  readonly world: World;
  /** In the home folder, as a key would be. */
  readonly secretFile: string;
  /** Content of that file. */
  readonly secret: string;
  /** A folder of sources in the work folder; `./name` runs it. Files by their path; a function makes something else of a path. */
  folder(
    name: string,
    files: Readonly<Record<string, string | ((path: string) => Promise<unknown>)>>,
  ): Promise<string>;
  /** `thv run` of something as a process that may reach nothing, with what it said. */
  run(
    source: string,
    flags?: readonly string[],
    env?: Readonly<Record<string, string | undefined>>,
  ): Promise<{ readonly exitCode: number; readonly said: string; readonly name: string }>;
  /** All that was installed for this user, cache and copies, file by file, that holds `text`. */
  installedFilesWith(text: string): Promise<readonly string[]>;
  /** Makes what the test wrote belong to the user. */
  own(): Promise<void>;
}

const NOBODY = 65_534;
const SECRET = 'the-secret-of-the-user';

export async function openAttackedUser(
  sandbox: 'bubblewrap' | 'namespaces',
  user: 'self' | 'ordinary',
): Promise<AttackedUser> {
  const uv = await findUv();
  const path = [...(uv === undefined ? [] : [dirname(uv)]), process.env['PATH'] ?? ''].join(':');
  const world = await openWorld(undefined, { env: { TOOLHIVE_SANDBOX: sandbox, PATH: path } });
  let executable = BINARY;
  if (user === 'ordinary') {
    for (let around = dirname(world.folder); around !== tmpdir(); around = dirname(around))
      await chmod(around, 0o711);
    await copyFile(BINARY, join(world.folder, 'thv'));
    executable = join(world.folder, 'as-nobody');
    const become = `setpriv --reuid=${NOBODY} --regid=${NOBODY} --clear-groups --`;
    await writeFile(executable, `#!/bin/sh\nexec ${become} ${join(world.folder, 'thv')} "$@"\n`, {
      mode: 0o755,
    });
    if (uv !== undefined) await Bun.$`install -D -m 755 ${uv} ${join(world.folder, 'bin', 'uv')}`.quiet();
  }
  const own = async () => {
    // Servers of earlier runs remove files meanwhile.
    if (user === 'ordinary') await Bun.$`chown -hR ${NOBODY}:${NOBODY} ${world.folder}`.quiet().nothrow();
  };
  const secretFile = join(world.home, '.ssh', 'id_key');
  await mkdir(dirname(secretFile), { mode: 0o700 });
  await writeFile(secretFile, SECRET, { mode: 0o600 });
  let runs = 0;
  return {
    world,
    secretFile,
    secret: SECRET,
    own,
    async folder(name, files) {
      const folder = join(world.work, name);
      for (const [file, content] of Object.entries(files)) {
        await mkdir(dirname(join(folder, file)), { recursive: true });
        if (typeof content === 'string') await writeFile(join(folder, file), content);
        else await content(join(folder, file));
      }
      return folder;
    },
    async run(source, flags = [], env = {}) {
      await own();
      const name = world.name(`r${++runs}`);
      const options = ['--runtime', 'process', '--permission-profile', 'none', '--transport', 'stdio'];
      const searched = user === 'ordinary' ? { PATH: `${join(world.folder, 'bin')}:${path}` } : {};
      const { exitCode, stdout, stderr } = await world.thv(
        ['run', source, '--name', name, ...options, ...flags],
        {
          executable,
          env: { ...searched, ...env },
          timeoutMs: 120_000,
        },
      );
      return { exitCode, said: stdout + stderr, name };
    },
    async installedFilesWith(text) {
      const found: string[] = [];
      for (const place of [world.data, join(world.folder, 'cache')]) {
        const names = await readdir(place, { recursive: true, withFileTypes: true }).catch(() => []);
        for (const entry of names) {
          const file = join(entry.parentPath, entry.name);
          if (!entry.isFile()) continue;
          // A server or an installer may have removed it since.
          const content = await Bun.file(file)
            .text()
            .catch(() => '');
          if (content.includes(text)) found.push(file);
        }
      }
      return found;
    },
    async [Symbol.asyncDispose]() {
      await world[Symbol.asyncDispose]();
    },
  };
}
