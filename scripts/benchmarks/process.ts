import { EVERYTHING_IMAGE } from '../../tests/harness/images.ts';
import { openWorld } from '../../tests/harness/world.ts';
import type { Ground } from './ground.ts';
import { INITIALIZE, run } from './run.ts';
import { median, ms, type Row } from './table.ts';

const REPEATS = 5;
const PACKAGE = '@modelcontextprotocol/server-everything';
const GIVE_UP_MS = 60_000;

/**
 * A package that is installed already, to the first answered `initialize`: as a confined process, the same server in a
 * container, and by plain `npx` without any proxy, which does not have to ask the registry either.
 */
export async function benchProcess(ground: Ground): Promise<readonly Row[]> {
  const repeats = ground.settings.repeats ?? REPEATS;
  await using home = await openWorld(ground.engine, { env: registrySettings() });
  const flags = ['--runtime', 'process', '--permission-profile', 'none'];
  const first = await run(ground, home, 'first', [...flags, `npx://${PACKAGE}`]);
  const installed = (await home.find(first.name))?.package ?? '';
  const version = installed.slice(installed.lastIndexOf('@') + 1);
  await npx(version); // fills its cache
  const taken = { process: [] as number[], container: [] as number[], npx: [] as number[] };
  for (let round = 0; round < repeats; round++) {
    ground.signal.throwIfAborted();
    const confined = await run(ground, home, `p${round}`, [...flags, installed]);
    taken.process.push(confined.elapsedMs);
    const contained = await run(ground, home, `c${round}`, [EVERYTHING_IMAGE]);
    taken.container.push(contained.elapsedMs);
    await home.ok(['rm', confined.name, contained.name]);
    taken.npx.push(await npx(version));
  }
  const [process, container, plain] = [taken.process, taken.container, taken.npx].map(median);
  return [
    {
      metric: 'thv run npx://…, installed',
      thv: ms(process ?? 0),
      peer: `thv run, in a container: ${ms(container ?? 0)}`,
      ratio: (process ?? 0) / (container ?? 1),
    },
    {
      metric: '— the same',
      thv: ms(process ?? 0),
      peer: `plain npx, no proxy: ${ms(plain ?? 0)}`,
      ratio: (process ?? 0) / (plain ?? 1),
    },
  ];
}

/** Time to the answer on its stdout. */
async function npx(version: string): Promise<number> {
  const startedAt = performance.now();
  const child = Bun.spawn(['npx', '--yes', '--prefer-offline', `${PACKAGE}@${version}`, 'stdio'], {
    stdin: 'pipe',
    stdout: 'pipe',
    stderr: 'ignore',
    timeout: GIVE_UP_MS,
  });
  child.stdin.write(`${INITIALIZE}\n`);
  await child.stdin.flush();
  let text = '';
  const decoder = new TextDecoder();
  for await (const chunk of child.stdout) {
    text += decoder.decode(chunk, { stream: true });
    if (text.includes('"serverInfo"')) break;
  }
  const elapsedMs = performance.now() - startedAt;
  if (!text.includes('"serverInfo"')) throw new Error(`npx did not bring up ${PACKAGE}@${version}`);
  await child.stdin.end();
  child.kill();
  await child.exited;
  return elapsedMs;
}

/** A home of its own knows nothing of the registry that this machine is set up for. */
function registrySettings(): Record<string, string> {
  return Object.fromEntries(
    Object.entries(process.env).filter(
      (entry): entry is [string, string] => entry[1] !== undefined && /^npm_config_/i.test(entry[0]),
    ),
  );
}
