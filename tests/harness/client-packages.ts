import { createHash } from 'node:crypto';
import { cp, mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';

const CLIENTS = join(import.meta.dir, '..', 'clients');
/** A package index that does not answer must not hold up the suites that do not need it. */
const INSTALL_MS = 180_000;

/** Installs the MCP Inspector of `tests/clients/inspector` into `cache`; gives the path of its program for Bun. */
export async function installInspector(cache: string): Promise<string> {
  const source = join(CLIENTS, 'inspector');
  const lock = await readFile(join(source, 'bun.lock'), 'utf8');
  const folder = await once(cache, 'inspector', lock, async (root) => {
    await cp(source, root, { recursive: true });
    await run([process.execPath, 'install', '--frozen-lockfile', '--ignore-scripts'], root);
  });
  return join(folder, 'node_modules/@modelcontextprotocol/inspector/clients/launcher/build/index.js');
}

/** Installs what `tests/clients/python` needs into a virtual environment in `cache`; gives the path of its Python. */
export async function installPythonClient(cache: string): Promise<string> {
  if (Bun.which('python3') === null) throw new Error('there is no python3');
  const requirements = join(CLIENTS, 'python', 'requirements.txt');
  const folder = await once(cache, 'python', await readFile(requirements, 'utf8'), async (root) => {
    await run(['python3', '-m', 'venv', root]);
    const quiet = ['--quiet', '--disable-pip-version-check', '--no-input', '--only-binary', ':all:'];
    await run([join(root, 'bin/python'), '-m', 'pip', 'install', ...quiet, '-r', requirements]);
  });
  return join(folder, 'bin/python');
}

/**
 * A folder made once per `key`; one that was not finished leaves nothing behind, and one of an earlier key goes: some of
 * these hold hundreds of megabytes.
 */
export async function once(
  cache: string,
  name: string,
  key: string,
  fill: (root: string) => Promise<void>,
): Promise<string> {
  const digest = createHash('sha256').update(key).digest('hex');
  const folder = join(cache, `${name}-${digest.slice(0, 16)}`);
  if (await Bun.file(join(folder, 'complete')).exists()) return folder;
  const scratch = join(cache, `${name}.${process.pid}`);
  await rm(scratch, { recursive: true, force: true });
  await mkdir(scratch, { recursive: true });
  try {
    await fill(scratch);
    await Bun.write(join(scratch, 'complete'), '');
    await rm(folder, { recursive: true, force: true });
    await rename(scratch, folder);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
  await removeOthers(cache, name, folder);
  return folder;
}

async function removeOthers(cache: string, name: string, kept: string): Promise<void> {
  for (const entry of await readdir(cache)) {
    const isOther = entry.startsWith(`${name}-`) && /^[0-9a-f]{16}$/.test(entry.slice(name.length + 1));
    const path = join(cache, entry);
    if (isOther && path !== kept) await rm(path, { recursive: true, force: true });
  }
}

/** Throws with what it printed when it fails, or takes longer than an installation may. */
export async function run(
  command: readonly string[],
  cwd = '.',
  env: Readonly<Record<string, string>> = {},
): Promise<void> {
  const child = Bun.spawn([...command], {
    cwd,
    env: { ...process.env, ...env },
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
    timeout: INSTALL_MS,
  });
  const [stdout, stderr, exitCode] = await Promise.all([
    child.stdout.text(),
    child.stderr.text(),
    child.exited,
  ]);
  if (exitCode !== 0)
    throw new Error(`${command.join(' ')} exited with ${exitCode}: ${(stderr || stdout).trim()}`);
}
