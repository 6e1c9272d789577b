import { describe, test } from 'bun:test';
import { cp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createEngine, type Engine } from './engine.ts';
import { FIXTURE_IMAGE } from './images.ts';
import { openWorld, type World } from './world.ts';

/** Where a server of the fixtures runs: in a container of an engine, or as a process of this machine. */
export interface Place {
  readonly kind: 'docker' | 'podman' | 'process';
  openWorld(options?: Parameters<typeof openWorld>[1]): Promise<World>;
  /** Words behind `thv` that run a stdio server of this behaviour under this name. */
  run(world: World, name: string, behaviour: readonly string[], flags?: readonly string[]): Promise<string[]>;
}

const COMMON = ['--transport', 'stdio', '--proxy-mode', 'streamable-http'];

function container(engine: Engine): Place {
  return {
    kind: engine.kind,
    openWorld: (options) => openWorld(engine, options),
    run: async (_world, name, behaviour, flags = []) => [
      ...['run', FIXTURE_IMAGE, '--name', name, ...COMMON, ...flags],
      ...['--', ...behaviour],
    ],
  };
}

const PROCESS: Place = {
  kind: 'process',
  openWorld: (options) => openWorld(undefined, options),
  async run(world, name, behaviour, flags = []) {
    const folder = join(world.work, 'misbehaving');
    await cp(join(import.meta.dir, '..', 'fixtures', 'misbehaving'), folder, { recursive: true });
    await writeFile(
      join(folder, 'package.json'),
      JSON.stringify({ name: 'misbehaving', version: '1.0.0', type: 'module', bin: 'server.mjs' }),
    );
    return ['run', folder, '--name', name, '--runtime', 'process', ...COMMON, ...flags, '--', ...behaviour];
  },
};

/** Declares suites once per engine that `scripts/test` offers and once for processes. */
export function inEachPlace(declare: (place: Place) => void, env = process.env): void {
  for (const kind of ['docker', 'podman'] as const) {
    const socket = env[`THV_TEST_${kind.toUpperCase()}_SOCKET`] ?? '';
    describe(`on ${kind}`, () => {
      if (socket === '') test.skip('all of it: the engine is missing', () => {});
      else declare(container(createEngine({ kind, socket })));
    });
  }
  describe('as a process', () => declare(PROCESS));
}
