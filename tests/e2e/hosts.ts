import type { Engine } from '../harness/engine.ts';
import { FIXTURE_IMAGE } from '../harness/images.ts';
import type { World } from '../harness/world.ts';

/** Podman closes a container's stdin with the attachment, so the server ends there and Podman starts it again. */
export const outlivesItsHost = (engine: Engine) => engine.kind === 'docker';

/** Names of so many answering stdio servers. */
export async function runFixtures(world: World, count: number): Promise<readonly string[]> {
  const names = Array.from({ length: count }, (_, index) => world.name(`w${index}`));
  await Promise.all(
    names.map((name) => world.ok(['run', FIXTURE_IMAGE, '--name', name, '--transport', 'stdio'])),
  );
  return names;
}

/** Process id of the workload host, not of its guard. */
export async function hostOf(world: World): Promise<number> {
  const processes = await world.processes();
  const hosts = processes.filter(({ command }) => / host$/.test(command) && !command.startsWith('sh '));
  if (hosts.length !== 1 || hosts[0] === undefined)
    throw new Error(`not one host: ${JSON.stringify(processes)}`);
  return hosts[0].pid;
}
