import { cp, mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** Verdicts of the run; undefined outside of `scripts/test`. */
const SHARED = process.env['THV_TEST_WORLDS'] && join(dirname(process.env['THV_TEST_WORLDS']), 'verdicts');

/**
 * The program tries its sandbox out once for a user, who keeps the verdict in their cache. Worlds are users of one machine, so one
 * of them does it for all: a quarter of a second of processor time in each. The program itself checks that a verdict was made under
 * the same circumstances; `tests/processes` has homes of its own and tries out every time.
 */
export async function takeVerdicts(cache: string): Promise<void> {
  if (SHARED === undefined) return;
  await cp(SHARED, join(cache, 'toolhive', 'sandbox'), { recursive: true }).catch(() => undefined); // none yet
}

/** Keeps the verdicts of a world whose `executable` found a sandbox to work, for those after it. */
export async function keepVerdicts(cache: string, executable: string): Promise<void> {
  if (SHARED === undefined) return;
  const folder = join(cache, 'toolhive', 'sandbox');
  await mkdir(SHARED, { recursive: true });
  for (const name of await readdir(folder).catch(() => [])) {
    const text = await readFile(join(folder, name), 'utf8').catch(() => '');
    // Of this executable and user, and a good one: a failure may be of the moment.
    if (!text.includes(` ${process.getuid?.()} ${executable} `) || text.includes('"problem"')) continue;
    const scratch = `${SHARED}-${process.pid}.json`;
    await writeFile(scratch, text);
    await rename(scratch, join(SHARED, name));
  }
}
