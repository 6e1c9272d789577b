import { cp, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { once, run } from '../../harness/client-packages.ts';
import type { World } from '../../harness/world.ts';

const CACHE = join(import.meta.dir, '..', '..', '..', '.cache', 'tests');
/** What the program builds with, as far as what is compiled depends on it. */
const ENV = { CGO_ENABLED: '0', GOFLAGS: '-buildvcs=false', GOENV: 'off', GO111MODULE: 'on' };

/**
 * Puts what every Go program is made of into a world's cache, compiled once for all runs: seven seconds of processor time in each
 * world otherwise. The compiler itself looks whether it fits.
 */
export async function fillGoCache(world: World): Promise<void> {
  const { stdout } = Bun.spawnSync(['go', 'env', 'GOVERSION', 'GOROOT'], { env: { ...process.env, ...ENV } });
  const key = `${stdout}${JSON.stringify(ENV)}`;
  const folder = await once(CACHE, 'go-build', key, async (root) => {
    const sources = join(root, 'sources');
    await mkdir(sources);
    await writeFile(join(sources, 'go.mod'), 'module example.com/m\n\ngo 1.21\n');
    await writeFile(join(sources, 'main.go'), 'package main\n\nfunc main() {}\n');
    await run(['go', 'build', '-o', join(root, 'program'), '.'], sources, {
      ...ENV,
      GOCACHE: join(root, 'build'),
    });
  });
  await cp(join(folder, 'build'), join(world.folder, 'cache', 'toolhive', 'go', 'build'), {
    recursive: true,
  });
}
