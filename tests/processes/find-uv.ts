import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** `uv` of this machine, or one installed beside the project for the tests; `undefined` where there is no Python either. */
export async function findUv(): Promise<string | undefined> {
  const installed = Bun.which('uv');
  if (installed !== null) return installed;
  const folder = join(import.meta.dir, '..', '..', '.cache', 'uv');
  const uv = join(folder, 'bin', 'uv');
  if (existsSync(uv)) return uv;
  const python = Bun.which('python3');
  if (python === null) return undefined;
  const { exitCode } = await Bun.$`${python} -m venv ${folder} && ${folder}/bin/pip install --quiet uv`
    .quiet()
    .nothrow();
  return exitCode === 0 && existsSync(uv) ? uv : undefined;
}
