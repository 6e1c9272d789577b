import { afterAll, beforeAll } from 'bun:test';
import type { Engine } from '../harness/engine.ts';
import { EVERYTHING_IMAGE } from '../harness/images.ts';
import { openWorld, type World } from '../harness/world.ts';

/** The reference server over stdio, run by the executable, and a home for the clients that talk to it. */
export interface Everything {
  readonly home: string;
  url(face: '/mcp' | '/sse'): string;
}

/** One workload for a group of tests; its facts are known once they run. */
export function useEverything(engine: Engine): Everything {
  let world: World;
  let base = '';
  beforeAll(async () => {
    world = await openWorld(engine);
    const name = world.name();
    await world.ok(['run', EVERYTHING_IMAGE, '--name', name, '--transport', 'stdio']);
    base = (await world.reached(name)).url;
  });
  afterAll(() => world[Symbol.asyncDispose]());
  return {
    get home() {
      return world.home;
    },
    url: (face) => new URL(face, base).href,
  };
}
