import { describe, expect, test } from 'bun:test';
import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { echoFolder } from '../faults/echo-folder.ts';
import { openWorld, type World } from '../harness/world.ts';
import { findUv } from '../processes/find-uv.ts';

const PACKAGE = 'mcp-server-time';
/** Registry settings of this machine, for a world with a home of its own. */
const REGISTRY = Object.fromEntries(
  Object.entries(process.env).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && /^(?:uv_|pip_|ssl_)/i.test(entry[0]),
  ),
);
const AS_PROCESS = ['--runtime', 'process', '--transport', 'stdio', '--proxy-mode', 'streamable-http'];

const uv = await findUv();
const without = (process.env['PATH'] ?? '')
  .split(':')
  .filter((folder) => Bun.which('uv', { PATH: folder }) === null)
  .join(':');

describe.skipIf(uv === undefined)('uv on the PATH of the shell of a run', () => {
  const PATH = `${dirname(uv ?? '')}:${without}`;

  /** A world whose host was started by a shell that has no uv. */
  async function openWorldOfAnotherShell(): Promise<World> {
    const world = await openWorld(undefined, { env: { ...REGISTRY, PATH: without } });
    await world.ok(['run', await echoFolder(world), '--name', world.name('first'), ...AS_PROCESS, '--wait']);
    return world;
  }

  test('is found by a host that another shell started, and is not needed for what is installed', async () => {
    await using world = await openWorldOfAnotherShell();
    const name = world.name();
    await world
      .start(['run', `uvx://${PACKAGE}`, '--name', name, ...AS_PROCESS, '--wait'], { env: { PATH } })
      .finished(120_000)
      .then(succeeded);
    await world.ok(['stop', name]);
    await world.ok(['start', name, '--wait']);
    const { exitCode, stderr } = await world.thv([
      'run',
      `uvx://${PACKAGE}`,
      '--name',
      world.name('b'),
      ...AS_PROCESS,
      '--wait',
    ]);
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
    expect(compiledFiles(world)).toBeGreaterThan(100);
  }, 180_000);

  test('is asked for where the package is not installed', async () => {
    await using world = await openWorldOfAnotherShell();
    const { exitCode, stderr } = await world.thv([
      'run',
      `uvx://${PACKAGE}`,
      '--name',
      world.name(),
      ...AS_PROCESS,
    ]);
    expect(exitCode).toBe(1);
    expect(stderr).toContain('uv is not installed');
  });
});

function succeeded({ exitCode, stderr }: { readonly exitCode: number; readonly stderr: string }): void {
  if (exitCode !== 0) throw new Error(stderr);
}

/** Number of compiled files in the packages of all installed tools. */
function compiledFiles(world: World): number {
  return readdirSync(join(world.data, 'packages', 'uv'), { recursive: true }).filter((path) =>
    String(path).endsWith('.pyc'),
  ).length;
}
