import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { installInspector, installPythonClient } from './client-packages.ts';
import { type Daemon, startDaemon, tailOf } from './daemon.ts';
import { openDocker } from './docker.ts';
import type { EngineAddress } from './engine.ts';
import { buildImages, FIXTURE_IMAGE, loadImages, pushImage } from './images.ts';
import { installPackages } from './packages.ts';
import { openPodman } from './podman.ts';
import { installRealClients, wantsRealClients } from './real-clients.ts';
import { openRegistry } from './registry.ts';
import { removeLeftovers } from './world.ts';

/** Engines, registry and images for one run of the suites. Disposal ends what was started and nothing else. */
export interface TestEnvironment extends AsyncDisposable {
  /** Variables of the process that runs the suites. */
  readonly variables: Readonly<Record<string, string>>;
  /** One line for each thing that could not be had, naming the suites that are left out with it. */
  readonly omissions: readonly string[];
  /** The end of each daemon's log. */
  logs(): Promise<string>;
}

/** What the parts of an environment are given to start their daemons with. */
export interface Ground {
  /** Gone after the run. A short path: sockets live here, and their paths are limited to some hundred bytes. */
  readonly folder: string;
  /** Kept from run to run. */
  readonly cache: string;
  /** Starts a daemon that ends with the environment. */
  start(name: string, options: Omit<Parameters<typeof startDaemon>[1], 'folder'>): Promise<void>;
  /** Runs at the end, before what was deferred or started earlier ends. */
  defer(action: () => Promise<void>): void;
}

/** `report` gets a line for each step that takes long; `files` are the test files of the run. */
export async function openEnvironment(
  cache: string,
  report: (line: string) => void,
  files: readonly string[],
): Promise<TestEnvironment> {
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'thv-'));
  stack.defer(async () => {
    await unmountBelow(folder);
    await rm(folder, { recursive: true, force: true });
  });
  const worlds = join(folder, 'w');
  await mkdir(worlds);

  const daemons: Daemon[] = [];
  const ground: Ground = {
    folder,
    cache,
    async start(name, options) {
      report(`starting ${name}`);
      daemons.push(stack.use(await startDaemon(name, { ...options, folder })));
    },
    defer: (action) => stack.defer(action),
  };
  const omissions: string[] = [];
  const attempt = async <T>(what: string, action: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await action();
    } catch (error) {
      omissions.push(`${what}: ${error instanceof Error ? error.message : error}`);
      return undefined;
    }
  };

  await attempt('Debian packages', () => installPackages(report));
  const archive = await attempt('all suites that run containers', () => buildImages(cache));
  // Beside everything else, because it waits for registries most of the time; not beside the images, whose packages are linked to
  // the same cache: tar refuses a file that is linked once more while it is read.
  const realClients = wantsRealClients(files) ? installRealClients(cache) : undefined;
  const variables: Record<string, string> = { THV_TEST_WORLDS: worlds };
  const engines: EngineAddress[] = [];
  for (const open of [openDocker, openPodman]) {
    await attempt(`all suites on ${open === openDocker ? 'docker' : 'podman'}`, async () => {
      const engine = await open(ground);
      engines.push(engine);
      if (archive === undefined) return;
      await loadImages(archive, engine);
      variables[`THV_TEST_${engine.kind.toUpperCase()}_SOCKET`] = engine.socket;
    });
  }
  await attempt('suites that pull images', async () => {
    const registry = await openRegistry(ground);
    if (archive === undefined) return;
    await pushImage(archive, FIXTURE_IMAGE, registry);
    variables['THV_TEST_REGISTRY'] = registry;
  });
  await attempt('suites with the MCP Inspector', async () => {
    variables['THV_TEST_INSPECTOR'] = await installInspector(cache);
  });
  await attempt('suites with the Python SDK', async () => {
    variables['THV_TEST_PYTHON'] = await installPythonClient(cache);
  });
  if (realClients !== undefined) {
    report('waiting for the installation of real clients');
    const { folders, omissions: missing } = await realClients;
    omissions.push(...missing);
    variables['THV_TEST_REAL_CLIENTS'] = JSON.stringify(folders);
  }
  stack.defer(() => removeLeftovers(worlds, engines));

  if (Bun.which('go') === null) omissions.push('images of Go packages: go is not on PATH');
  const owned = stack.move();
  return {
    variables,
    omissions,
    async logs() {
      const parts = daemons.map(async ({ name, logPath }) => `--- ${name}\n${await tailOf(logPath, 30)}`);
      return (await Promise.all(parts)).join('\n');
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Engines leave mounts behind when they end. */
async function unmountBelow(folder: string): Promise<void> {
  if (process.platform !== 'linux') return;
  const points = (await Bun.file('/proc/mounts').text()).split('\n').map((line) => line.split(' ')[1] ?? '');
  for (const point of points.filter((path) => path.startsWith(`${folder}/`)).reverse()) {
    await Bun.$`umount ${point}`.quiet().nothrow();
  }
}
