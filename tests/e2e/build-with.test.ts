import { expect, test } from 'bun:test';
import { dirname } from 'node:path';
import { openWorld } from '../harness/world.ts';
import { findUv } from '../processes/find-uv.ts';

const SERVER = 'uvx://mcp-server-time@2025.9.25';
const uv = await findUv();

test.skipIf(uv === undefined)(
  'requirements beside a Python package are installed with it, as a package of its own in the store',
  async () => {
    const registry = Object.fromEntries(
      Object.entries(process.env).filter(
        (entry): entry is [string, string] => entry[1] !== undefined && /^(?:uv_|pip_|ssl_)/i.test(entry[0]),
      ),
    );
    const PATH = `${dirname(uv ?? '')}:${process.env['PATH'] ?? ''}`;
    await using world = await openWorld(undefined, {
      env: { ...registry, PATH, TOOLHIVE_RUNTIME: 'process' },
    });
    const installed = async () =>
      (
        await Array.fromAsync(
          new Bun.Glob('packages/uv/*/tools/*/lib/*/site-packages/tomli_w').scan({
            cwd: world.data,
            onlyFiles: false,
          }),
        )
      ).length;
    const [plain, more] = [world.name('plain'), world.name('more')];
    await world.ok(['run', SERVER, '--name', plain, '--transport', 'stdio'], { timeoutMs: 180_000 });
    expect(await installed()).toBe(0);
    await world.ok(['run', SERVER, '--name', more, '--transport', 'stdio', '--build-with', 'tomli-w>=1'], {
      timeoutMs: 180_000,
    });
    expect(await installed()).toBe(1);
    const refused = await world.thv([
      'run',
      SERVER,
      '--name',
      world.name('bad'),
      '--build-with',
      '--index-url=x',
    ]);
    expect([refused.exitCode, refused.stderr]).toEqual([
      1,
      expect.stringContaining('invalid build_with specifier'),
    ]);
    await world.ok(['rm', plain, more]);
  },
  400_000,
);
