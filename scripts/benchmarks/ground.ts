import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { startDaemon } from '../../tests/harness/daemon.ts';
import { openDocker } from '../../tests/harness/docker.ts';
import { createEngine, type Engine } from '../../tests/harness/engine.ts';
import { buildImages, FIXTURE_IMAGE, loadImages } from '../../tests/harness/images.ts';
import { openWorld, type World } from '../../tests/harness/world.ts';
import type { Settings } from './settings.ts';

/** What every bench stands on. Disposal ends what was started on it and nothing else. */
export interface Ground extends AsyncDisposable {
  readonly settings: Settings;
  readonly engine: Engine;
  /** Gone after the run. */
  readonly folder: string;
  /** Aborted by Ctrl-C; whatever waits long takes it. */
  readonly signal: AbortSignal;
  /** A line about what goes on, on stderr. */
  say(line: string): void;
  /** Throws when interrupted. */
  pause(ms: number): Promise<void>;
}

/** The compiled program. */
export const THV = process.env['THV_BINARY'] ?? resolve('dist/thv');

/** Kept from run to run, not under version control. */
export const CACHE = resolve('.cache/bench');

/** Needs Linux and a Docker. */
export async function openGround(settings: Settings, signal: AbortSignal): Promise<Ground> {
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'thv-bench-'));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const say = (line: string) => process.stderr.write(`bench: ${line}\n`);
  const engine = createEngine(
    await openDocker({
      folder,
      cache: CACHE,
      async start(name, options) {
        say(`starting ${name}`);
        stack.use(await startDaemon(name, { ...options, folder }));
      },
      defer: (action) => stack.defer(action),
    }),
  );
  // The images of the tests, so that they are made once.
  await loadImages(await buildImages(resolve('.cache/tests')), engine);
  signal.throwIfAborted();
  say(`${availableParallelism()} processors, Bun ${Bun.version}`);
  const owned = stack.move();
  return {
    settings,
    engine,
    folder,
    signal,
    say,
    async pause(ms) {
      await wait(ms, undefined, { signal });
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** A home of its own with nothing in it. */
export function openHome(ground: Ground): Promise<World> {
  ground.signal.throwIfAborted();
  return openWorld(ground.engine);
}

/** The environment in which that home's commands run. */
export function environmentOf(home: World, { engine }: Ground): Record<string, string> {
  const path = (name: string) => join(home.folder, name);
  return {
    PATH: process.env['PATH'] ?? '',
    HOME: path('home'),
    XDG_CONFIG_HOME: path('config'),
    XDG_DATA_HOME: path('data'),
    XDG_STATE_HOME: path('state'),
    XDG_CACHE_HOME: path('cache'),
    XDG_RUNTIME_DIR: path('run'),
    TMPDIR: path('tmp'),
    [`TOOLHIVE_${engine.kind.toUpperCase()}_SOCKET`]: engine.socket,
  };
}

/** The stdio server of all benches: what the fixture image runs, and what peers run without a container. */
export const ECHO_COMMAND = ['node', resolve('tests/fixtures/misbehaving/server.mjs'), 'echo'] as const;

const STDIO = ['--transport', 'stdio', '--proxy-mode', 'streamable-http', '--wait'];

/** Starts an echo server behind thv, in a container; gives the URL of its `/mcp`. */
export function runEcho(home: World, label: string): Promise<string> {
  return endpointOf(home, label, [FIXTURE_IMAGE, '--', 'echo']);
}

/** The same as a child of the workload host, with the very command that peers run. */
export async function runEchoAsProcess(home: World, label: string): Promise<string> {
  const folder = join(home.work, label);
  await Bun.write(join(folder, 'package.json'), JSON.stringify({ name: label, bin: 'start' }));
  await Bun.write(join(folder, 'start'), `#!/bin/sh\nexec ${ECHO_COMMAND.map(quoted).join(' ')}\n`);
  await chmod(join(folder, 'start'), 0o755);
  return await endpointOf(home, label, ['--runtime', 'process', '--no-sandbox', folder]);
}

async function endpointOf(home: World, label: string, rest: readonly string[]): Promise<string> {
  const name = home.name(label);
  await home.ok(['run', '--name', name, ...STDIO, ...rest]);
  const { url } = await home.reached(name);
  return new URL('/mcp', url).href;
}

/** A word of a shell command. */
export function quoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

/** `count` of them, some at a time. */
export async function runEchoes(
  ground: Ground,
  home: World,
  labels: readonly string[],
): Promise<readonly string[]> {
  const urls: string[] = [];
  for (let start = 0; start < labels.length; start += 4) {
    ground.signal.throwIfAborted();
    const some = labels.slice(start, start + 4);
    urls.push(...(await Promise.all(some.map((label) => runEcho(home, label)))));
  }
  return urls;
}

/** Process id of the home's workload host; throws when there is none. */
export async function hostOf(home: World): Promise<number> {
  // Its guard is a shell whose command line ends the same way.
  const host = (await home.processes()).find(({ command }) => command === `${THV} host`);
  if (host === undefined) throw new Error('no workload host is running');
  return host.pid;
}

/** Path of a program that the machine must bring; throws with a hint when it does not. */
export function programOf(name: string, debianPackage: string): string {
  const path = Bun.which(name, { PATH: `${process.env['PATH']}:/usr/sbin` });
  if (path === null) throw new Error(`${name} is missing. Hint: on Debian, apt-get install ${debianPackage}`);
  return path;
}
