import { chmod, copyFile, mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { waitFor } from '../harness/wait-for.ts';
import type { StartOne } from './fixtures/start-one.ts';

/** A place for processes of one user, with a home folder of its own. */
export interface Runner extends AsyncDisposable {
  readonly folder: string;
  readonly home: string;
  readonly executable: string;
  /** Command and environment that start one process. */
  commandFor(order: Omit<StartOne, 'folder' | 'executable'>): {
    readonly command: readonly string[];
    readonly env: Record<string, string>;
  };
  /** Runs one to its end, or to the deadline of 30 s. */
  run(order: Omit<StartOne, 'folder' | 'executable'>, stdin?: string): Promise<Ran>;
}

interface Ran {
  /** The process that started the other, gone by now. */
  readonly pid: number;
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

const ROOT = join(import.meta.dir, '..', '..');
const BINARY = process.env['THV_BINARY'] ?? join(ROOT, 'dist', 'thv');
const NOBODY = 65_534;
const DEADLINE_MS = 60_000;

/** `ordinary`: a user without rights, which only root can become. */
export async function openRunner(
  user: 'self' | 'ordinary',
  extraPath: readonly string[] = [],
): Promise<Runner> {
  const folder = await mkdtemp(join(tmpdir(), 'thv-process-'));
  const path = (name: string) => join(folder, name);
  // Copies, for the user may not be able to see the project.
  await copyFile(BINARY, path('thv'));
  const built = await Bun.build({
    entrypoints: [join(import.meta.dir, 'fixtures', 'start-one.ts')],
    target: 'bun',
    outdir: folder,
  });
  if (!built.success) throw new AggregateError(built.logs);
  await mkdir(path('home/.ssh'), { recursive: true });
  await chmod(folder, 0o755);
  if (user === 'ordinary') await Bun.$`chown -R ${NOBODY}:${NOBODY} ${folder}`.quiet();
  const become =
    user === 'ordinary' ? ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups', '--'] : [];
  const env = {
    PATH: [...extraPath, process.env['PATH'] ?? ''].join(':'),
    HOME: path('home'),
    BUN_BE_BUN: '1',
    // Registry settings of this machine.
    ...Object.fromEntries(
      Object.entries(process.env).flatMap(([key, value]) =>
        value !== undefined && /^(?:npm_config_|uv_|pip_|ssl_)/i.test(key) ? [[key, value]] : [],
      ),
    ),
  };
  const commandFor: Runner['commandFor'] = (order) => {
    const full: StartOne = { ...order, folder: path('kept'), executable: path('thv') };
    return { command: [...become, path('thv'), path('start-one.js'), JSON.stringify(full)], env };
  };
  return {
    folder,
    home: path('home'),
    executable: path('thv'),
    commandFor,
    async run(order, stdin = '') {
      const { command } = commandFor(order);
      const child = Bun.spawn([...command], {
        env,
        cwd: folder,
        stdin: new Blob([stdin]),
        stdout: 'pipe',
        stderr: 'pipe',
        timeout: DEADLINE_MS,
      });
      const [stdout, stderr, exitCode] = await Promise.all([
        new Response(child.stdout).text(),
        new Response(child.stderr).text(),
        child.exited,
      ]);
      return { pid: child.pid, exitCode, stdout, stderr };
    },
    async [Symbol.asyncDispose]() {
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Processes of this machine, its sandboxes included, whose command line holds `text`. */
export async function processesWith(text: string): Promise<readonly string[]> {
  const found = await Promise.all(
    (await readdir('/proc')).map(async (name) => {
      if (!/^\d+$/.test(name) || name === String(process.pid)) return [];
      const command = await readFile(`/proc/${name}/cmdline`, 'utf8').catch(() => '');
      return command.includes(text) ? [`${name} ${command.replaceAll('\0', ' ')}`] : [];
    }),
  );
  return found.flat();
}

export function gone(text: string): Promise<unknown> {
  return waitFor(
    () => processesWith(text),
    (left) => left.length === 0,
    { what: `no process with ${text} is left`, deadlineMs: 5000 },
  );
}

/** Which sandboxes this machine has. */
export const SANDBOXES = (['bubblewrap', 'namespaces'] as const).filter(
  (sandbox) =>
    process.platform === 'linux' && Bun.which(sandbox === 'bubblewrap' ? 'bwrap' : 'unshare') !== null,
);

/** Each of them, for each user that can be had. */
export const CASES = SANDBOXES.flatMap((sandbox) =>
  (['self', 'ordinary'] as const)
    .filter((user) => user === 'self' || process.getuid?.() === 0)
    .map((user) => ({ sandbox, user })),
);

interface Case {
  readonly sandbox: (typeof SANDBOXES)[number];
  readonly user: 'self' | 'ordinary';
}

/**
 * Whether this case stands for its sandbox in tests of what does not depend on the user: the last case of that sandbox, which is
 * that of a user without rights where there is one.
 */
export function standsForItsSandbox({ sandbox, user }: Case): boolean {
  return CASES.findLast((each) => each.sandbox === sandbox)?.user === user;
}

/** Whether this is the one case for what is decided before a sandbox is made. */
export function standsForAll({ sandbox, user }: Case): boolean {
  const last = CASES.at(-1);
  return last?.sandbox === sandbox && last.user === user;
}
