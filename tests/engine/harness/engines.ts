import { afterAll, beforeAll, describe, setDefaultTimeout, test } from 'bun:test';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Engine, openEngine } from '../../../src/engine/index.ts';

/**
 * Real engines, by the environment variables that name their sockets. Podman must be told that registries on 127.0.0.1 speak
 * plain http (registries.conf: `[[registry]]` with `location = "127.0.0.1"`, `insecure = true`); Docker assumes it.
 */
const ENGINES = [
  { name: 'docker', variable: 'THV_TEST_DOCKER_SOCKET' },
  { name: 'podman', variable: 'THV_TEST_PODMAN_SOCKET' },
] as const;

/** A statically linked busybox, the only content of the test image. */
const BUSYBOX = process.env['THV_TEST_BUSYBOX'] ?? '/bin/busybox';
const APPLETS = ['sh', 'cat', 'sleep', 'echo', 'head', 'yes', 'true', 'kill'];

export interface TestEngine {
  readonly name: 'docker' | 'podman';
  readonly socket: string;
  /** Usable inside tests and hooks. */
  readonly engine: Engine;
  /** An image with `/bin/sh` and some of busybox, there while the suite runs. */
  readonly image: string;
  /** A name nobody else uses. */
  uniqueName(): string;
  /** Creates and starts a container with stdin, running `command`; it is removed at the end of the suite. */
  start(...command: readonly string[]): Promise<string>;
  /** The same, not started. */
  create(...command: readonly string[]): Promise<string>;
}

/** Runs `suite` once for each engine there is; says loudly which one is not. */
export function describeEngines(title: string, suite: (under: TestEngine) => void): void {
  for (const { name, variable } of ENGINES) {
    const socket = process.env[variable];
    if (socket === undefined || socket === '') {
      process.stderr.write(`NOT TESTED: ${title} on ${name}; set ${variable} to the socket of the engine\n`);
      test.skip(`${title} on ${name}`, () => undefined);
    } else {
      describe(`${title} on ${name}`, () => suite(prepare(name, socket)));
    }
  }
}

// Podman takes a third of a second for what Docker does in a tenth, and the machine may be busy.
const TEST_TIMEOUT_MS = 60_000;

function prepare(name: TestEngine['name'], socket: string): TestEngine {
  const image = `localhost/thv-engine-test-${randomBytes(6).toString('hex')}:1`;
  const containers: string[] = [];
  let engine: Engine | undefined;
  setDefaultTimeout(TEST_TIMEOUT_MS);
  const opened = () => {
    if (engine === undefined) throw new Error('the engine is open only inside tests and hooks');
    return engine;
  };
  const uniqueName = () => `thv-engine-test-${randomBytes(6).toString('hex')}`;

  async function create(...command: readonly string[]): Promise<string> {
    const container = uniqueName();
    await opened().containers.create(container, {
      Image: image,
      Cmd: [...command],
      OpenStdin: true,
      AttachStdin: true,
      AttachStdout: true,
      AttachStderr: true,
      Labels: { toolhive: 'true', 'thv-engine-test': container },
    });
    containers.push(container);
    return container;
  }

  beforeAll(async () => {
    engine = await openEngine({ wanted: '', env: { TOOLHIVE_DOCKER_SOCKET: socket } });
    await importImage(engine, image);
  });
  afterAll(async () => {
    for (const container of containers) await opened().containers.remove(container, { force: true });
    await opened().images.remove(image, { force: true });
  });

  return {
    name,
    socket,
    get engine() {
      return opened();
    },
    image,
    uniqueName,
    create,
    async start(...command) {
      const container = await create(...command);
      await opened().containers.start(container);
      return container;
    },
  };
}

/** `POST /images/create?fromSrc=-`. Podman 4.3 leaves the name out, so it is given in a second step. */
async function importImage(engine: Engine, image: string): Promise<void> {
  const response = await fetch(`http://engine/v${engine.apiVersion}/images/create?fromSrc=-`, {
    method: 'POST',
    unix: engine.address,
    headers: { 'Content-Type': 'application/x-tar' },
    body: await busyboxTar(),
  });
  const text = await response.text();
  const id = /sha256:[0-9a-f]{64}/.exec(text)?.[0];
  if (id === undefined) throw new Error(`the image was not imported: ${text}`);
  await engine.images.tag(id, image);
}

async function busyboxTar(): Promise<Uint8Array> {
  const folder = await mkdtemp(join(tmpdir(), 'thv-image-'));
  try {
    await Bun.write(join(folder, 'bin/busybox'), Bun.file(BUSYBOX), { mode: 0o755 });
    for (const applet of APPLETS) await symlink('busybox', join(folder, 'bin', applet));
    const tar = Bun.spawn(['tar', '-C', folder, '--mode=755', '-cf', '-', '.'], { stdout: 'pipe' });
    return new Uint8Array(await new Response(tar.stdout).arrayBuffer());
  } finally {
    await rm(folder, { recursive: true });
  }
}
