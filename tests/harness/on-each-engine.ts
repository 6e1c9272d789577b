import { describe, test } from 'bun:test';
import { createEngine, type Engine } from './engine.ts';

/**
 * Declares suites once per engine that `scripts/test` offers (`THV_TEST_DOCKER_SOCKET`, `THV_TEST_PODMAN_SOCKET`); for an
 * engine that is not there one skipped test tells so. The first that is there stands for all in rows of what does not depend on it.
 */
export function onEachEngine(
  declare: (engine: Engine, standsForAll: boolean) => void,
  env = process.env,
): void {
  let found = 0;
  for (const kind of ['docker', 'podman'] as const) {
    const socket = env[`THV_TEST_${kind.toUpperCase()}_SOCKET`] ?? '';
    if (socket !== '') found++;
    const standsForAll = found === 1;
    describe(`on ${kind}`, () => {
      if (socket === '') test.skip('all of it: the engine is missing', () => {});
      else declare(createEngine({ kind, socket }), standsForAll);
    });
  }
}

/** Declares suites once, on Docker or else on Podman: for what the program does alike whatever runs the containers. */
export function onOneEngine(declare: (engine: Engine) => void, env = process.env): void {
  const found = (['docker', 'podman'] as const)
    .map((kind) => ({ kind, socket: env[`THV_TEST_${kind.toUpperCase()}_SOCKET`] ?? '' }))
    .find(({ socket }) => socket !== '');
  if (found === undefined) test.skip('all of it: there is no engine', () => {});
  else describe(`on ${found.kind}`, () => declare(createEngine(found)));
}
