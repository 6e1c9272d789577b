import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createEngine, type Engine, type EngineAddress } from './engine.ts';
import { keepVerdicts, takeVerdicts } from './sandbox-verdicts.ts';
import { waitFor } from './wait-for.ts';

/** What a command left behind. */
interface Finished {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command that goes on. */
interface Running {
  readonly pid: number;
  /** What it has written so far. */
  readonly stdout: string;
  readonly stderr: string;
  signal(name: NodeJS.Signals): void;
  /** Resolves when it has ended; throws after `timeoutMs` (30 s). */
  finished(timeoutMs?: number): Promise<Finished>;
}

interface CommandOptions {
  /** Over the world's own environment; `undefined` takes a variable away. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly stdin?: string;
  /** The world's work folder unless given. */
  readonly cwd?: string;
  readonly timeoutMs?: number;
  /** In place of the executable under test. */
  readonly executable?: string;
}

/** An element of `thv list --format json`. */
interface Listed {
  readonly name: string;
  readonly package: string;
  readonly url: string;
  readonly port: number;
  readonly transport_type: string;
  readonly proxy_mode?: string;
  readonly status: string;
  readonly status_context?: string;
  readonly created_at: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly group?: string;
  readonly started_at: string;
}

/** A user of the program: a home of their own and the executable, seeing one engine. */
export interface World extends AsyncDisposable {
  readonly folder: string;
  readonly home: string;
  /** Working folder of the commands. */
  readonly work: string;
  /** `<data>/toolhive` and `<state>/toolhive`. */
  readonly data: string;
  readonly state: string;
  /** What its commands are started with. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** A workload name no other world uses; containers of such names are removed with the world. */
  name(label?: string): string;
  thv(args: readonly string[], options?: CommandOptions): Promise<Finished>;
  /** `thv` that must succeed; gives its stdout. */
  ok(args: readonly string[], options?: CommandOptions): Promise<string>;
  start(args: readonly string[], options?: CommandOptions): Running;
  /** This world's entry of `thv list --all`; `undefined` when there is none. */
  find(name: string): Promise<Listed | undefined>;
  /** Waits until `thv list` shows the status, `running` unless given. */
  reached(name: string, status?: string, deadlineMs?: number): Promise<Listed>;
  /** Workload hosts, supervisors and guards of this world, by command line. */
  processes(): Promise<readonly { readonly pid: number; readonly command: string }[]>;
}

/** The executable under test. */
export const BINARY = process.env['THV_BINARY'] ?? join(import.meta.dir, '..', '..', 'dist', 'thv');

/** `engine` undefined: a world without any. */
export async function openWorld(
  engine: Engine | undefined,
  options: { readonly env?: Readonly<Record<string, string>> } = {},
): Promise<World> {
  const folder = await mkdtemp(join(process.env['THV_TEST_WORLDS'] ?? tmpdir(), 'w'));
  const prefix = prefixOf(folder);
  const path = (name: string) => join(folder, name);
  for (const name of ['home', 'work', 'run', 'tmp']) await mkdir(path(name), { mode: 0o700 });
  await takeVerdicts(path('cache'));
  const names = new Set<string>();
  const base: Record<string, string | undefined> = {
    PATH: process.env['PATH'],
    HOME: path('home'),
    XDG_CONFIG_HOME: path('config'),
    XDG_DATA_HOME: path('data'),
    XDG_STATE_HOME: path('state'),
    XDG_CACHE_HOME: path('cache'),
    XDG_RUNTIME_DIR: path('run'),
    TMPDIR: path('tmp'),
    TZ: 'UTC',
    // The kernel's keyring is one for all processes of a user: worlds must not meet there.
    TOOLHIVE_KEYRING: 'off',
    [`TOOLHIVE_${(engine?.kind ?? 'docker').toUpperCase()}_SOCKET`]: engine?.socket ?? path('no-engine.sock'),
    ...options.env,
  };

  const start = (
    args: readonly string[],
    { env, stdin, cwd, timeoutMs = 60_000, executable = BINARY }: CommandOptions = {},
  ): Running =>
    startCommand([executable, ...args], { ...base, ...env }, cwd ?? path('work'), stdin, timeoutMs);
  const thv = (args: readonly string[], commandOptions?: CommandOptions) =>
    start(args, commandOptions).finished();
  const ok = async (args: readonly string[], commandOptions?: CommandOptions) => {
    const { exitCode, stdout, stderr } = await thv(args, commandOptions);
    if (exitCode !== 0) throw new Error(`thv ${args.join(' ')} exited with ${exitCode}\n${stdout}${stderr}`);
    return stdout;
  };
  const find = async (name: string) => {
    const listed: readonly Listed[] = JSON.parse(await ok(['list', '--all', '--format', 'json']));
    return listed.find((workload) => workload.name === name);
  };

  return {
    folder,
    home: path('home'),
    work: path('work'),
    data: path('data/toolhive'),
    state: path('state/toolhive'),
    env: base,
    name(label = 'a') {
      const name = `${prefix}-${label}`;
      names.add(name);
      return name;
    },
    thv,
    ok,
    start,
    find,
    async reached(name, status = 'running', deadlineMs = 60_000) {
      const file = join(path('data/toolhive'), 'statuses', `${name}.json`);
      let known = '';
      let lookedAt = performance.now() - 500;
      let last: Listed | undefined;
      const seen = await waitFor(
        async () => {
          // Reading the file is next to nothing, a command and what it asks an engine is not. What no file tells is looked for now
          // and then: seldom while the file says that it is still starting.
          const text = await readFile(file, 'utf8').catch(() => '');
          const isStarting = status === 'running' && /"status":\s*"starting"/.test(text);
          const isDue = performance.now() - lookedAt >= (isStarting ? 2000 : 500);
          if (!isDue && (isStarting || text === known)) return last;
          known = text;
          last = await find(name);
          lookedAt = performance.now();
          return last;
        },
        (workload) => workload?.status === status,
        { what: `${name} is ${status}`, deadlineMs },
      );
      if (seen === undefined) throw new Error('unreachable');
      return seen;
    },
    processes: () => processesOf(folder),
    async [Symbol.asyncDispose]() {
      // By name, never --all: containers of other worlds stand in the same engine.
      const removed = names.size === 0 ? undefined : await thv(['rm', ...names]).catch(String);
      await keepVerdicts(path('cache'), BINARY);
      await clear(folder, engine === undefined ? [] : [engine]);
      if (typeof removed === 'string') throw new Error(`clean-up: ${removed}`);
    },
  };
}

/** Ends the processes and removes the containers and folders of worlds that were not disposed of, say by Ctrl-C. */
export async function removeLeftovers(worlds: string, engines: readonly EngineAddress[]): Promise<void> {
  for (const name of await readdir(worlds)) await clear(join(worlds, name), engines.map(createEngine));
}

async function clear(folder: string, engines: readonly Engine[]): Promise<void> {
  // A guard may start another host while we look, so look until nobody is left.
  await waitFor(
    async () => {
      const left = await processesOf(folder);
      for (const { pid } of left) killQuietly(pid);
      return left;
    },
    (left) => left.length === 0,
    { what: `the processes of ${folder} ended` },
  );
  for (const engine of engines) {
    for (const { Id } of await engine.named(prefixOf(folder))) await engine.remove(Id);
  }
  await rm(folder, { recursive: true, force: true });
}

/** Start of the names of a world's workloads, from its folder's random name. */
function prefixOf(folder: string): string {
  return `t${folder.slice(folder.lastIndexOf('/') + 2).toLowerCase()}`;
}

/**
 * Processes that were started with a home in `folder`. Read without a promise for each: there are hundreds of processes, and this
 * is asked again and again while something is waited for.
 */
async function processesOf(
  folder: string,
): Promise<readonly { readonly pid: number; readonly command: string }[]> {
  const home = `HOME=${join(folder, 'home')}`;
  return (await readdir('/proc')).flatMap((pid) => {
    if (!/^\d+$/.test(pid)) return [];
    try {
      if (!readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').includes(home)) return [];
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').join(' ').trim();
      return [{ pid: Number(pid), command }];
    } catch {
      return []; // it ended while we looked, or belongs to someone else
    }
  });
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // gone already
  }
}

function startCommand(
  command: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  cwd: string,
  stdin: string | undefined,
  timeoutMs: number,
): Running {
  const child = Bun.spawn([...command], {
    env: Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined)),
    cwd,
    stdin: stdin === undefined ? 'ignore' : new Blob([stdin]),
    stdout: 'pipe',
    stderr: 'pipe',
  });
  const output = { stdout: '', stderr: '' };
  const collect = async (stream: ReadableStream<Uint8Array>, name: 'stdout' | 'stderr') => {
    const decoder = new TextDecoder();
    for await (const chunk of stream) output[name] += decoder.decode(chunk, { stream: true });
  };
  const collected = Promise.all([collect(child.stdout, 'stdout'), collect(child.stderr, 'stderr')]);
  const describe = () => `${['thv', ...command.slice(1)].join(' ')}\n${output.stdout}${output.stderr}`;
  return {
    pid: child.pid,
    get stdout() {
      return output.stdout;
    },
    get stderr() {
      return output.stderr;
    },
    signal: (name) => child.kill(name),
    async finished(limitMs = timeoutMs) {
      const timer = setTimeout(() => child.kill('SIGKILL'), limitMs);
      const exitCode = await child.exited;
      clearTimeout(timer);
      // What goes on in the background must not hold the pipes of the command that started it.
      const closed = await Promise.race([collected.then(() => true), Bun.sleep(10_000).then(() => false)]);
      if (!closed) throw new Error(`its output is still held open 10 s after its end: ${describe()}`);
      if (child.signalCode === 'SIGKILL') throw new Error(`not finished within ${limitMs} ms: ${describe()}`);
      return { exitCode, ...output };
    },
  };
}
