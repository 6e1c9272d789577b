import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createEngine, type Engine } from '../harness/engine.ts';
import { EVERYTHING_IMAGE } from '../harness/images.ts';
import { openWorld, type World } from '../harness/world.ts';

/** Folders of the installed clients by package, as `tests/harness/real-clients.ts` gives them. */
export const FOLDERS: Readonly<Record<string, string>> = JSON.parse(
  process.env['THV_TEST_REAL_CLIENTS'] ?? '{}',
);

/** Clients are asked about servers, not about engines: one engine will do. */
export const ENGINE: Engine | undefined = (['docker', 'podman'] as const)
  .map((kind) => ({ kind, socket: process.env[`THV_TEST_${kind.toUpperCase()}_SOCKET`] ?? '' }))
  .filter(({ socket }) => socket !== '')
  .map(createEngine)[0];

/** Names of two running workloads: one answers at `/mcp` (and `/sse`), the other at `/sse` alone. */
export interface Workloads extends AsyncDisposable {
  readonly http: string;
  readonly sse: string;
  /** A person with a home of their own. `settings` is below it. */
  openHome(label: string, settings: string): Promise<Home>;
}

export interface Home {
  readonly folder: string;
  /** Working folder of the client. */
  readonly work: string;
  /** The settings file. */
  readonly path: string;
  text(): Promise<string>;
  write(content: string): Promise<void>;
  /** `thv client …` of this person, which must succeed; gives its stderr. */
  client(...args: readonly string[]): Promise<string>;
  /** Runs a client's command; gives what it wrote, without colours. Throws when it fails or takes longer than 50 s. */
  run(command: readonly string[]): Promise<Printed>;
}

interface Printed {
  readonly stdout: string;
  readonly stderr: string;
}

export async function openWorkloads(): Promise<Workloads> {
  const world = await openWorld(ENGINE);
  const [http, sse] = [world.name('http'), world.name('sse')];
  await Promise.all([
    world.ok(['run', EVERYTHING_IMAGE, '--name', http, '--transport', 'stdio']),
    world.ok(['run', EVERYTHING_IMAGE, '--name', sse, '--transport', 'sse', '--', 'sse']),
  ]);
  await Promise.all([world.reached(http), world.reached(sse)]);
  return {
    http,
    sse,
    openHome: (label, settings) => openHome(world, label, settings),
    [Symbol.asyncDispose]: () => world[Symbol.asyncDispose](),
  };
}

async function openHome(world: World, label: string, settings: string): Promise<Home> {
  const folder = join(world.folder, `home-${label}`);
  const work = join(folder, 'work');
  const path = join(folder, settings);
  await mkdir(work, { recursive: true });
  await mkdir(dirname(path), { recursive: true });
  return {
    folder,
    work,
    path,
    text: () => readFile(path, 'utf8'),
    write: (content) => writeFile(path, content),
    async client(...args) {
      const { exitCode, stderr } = await world.thv(['client', ...args], { env: { HOME: folder } });
      if (exitCode !== 0) throw new Error(`thv client ${args.join(' ')}: ${stderr}`);
      return stderr;
    },
    run: (command) => runClient(command, work, quietly(folder, world)),
  };
}

/** Nothing of the machine's user, and no news to anybody. */
function quietly(home: string, world: World): Readonly<Record<string, string>> {
  return {
    PATH: process.env['PATH'] ?? '',
    HOME: home,
    TMPDIR: world.env['TMPDIR'] ?? '/tmp',
    CI: '1',
    NO_COLOR: '1',
    DO_NOT_TRACK: '1',
    DISABLE_TELEMETRY: '1',
    DISABLE_ERROR_REPORTING: '1',
    DISABLE_AUTOUPDATER: '1',
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
    CONTINUE_TELEMETRY_ENABLED: '0',
    OPENCODE_DISABLE_AUTOUPDATE: '1',
    FASTMCP_CHECK_FOR_UPDATES: 'off',
  };
}

async function runClient(
  command: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string>>,
): Promise<Printed> {
  const child = Bun.spawn([...command], {
    cwd,
    env,
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
    timeout: 50_000,
    killSignal: 'SIGKILL',
  });
  const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  if (child.exitCode !== 0)
    throw new Error(
      `${command.join(' ')} ended with ${child.exitCode ?? child.signalCode}\n${stdout}${stderr}`,
    );
  return { stdout: Bun.stripANSI(stdout), stderr: Bun.stripANSI(stderr) };
}
