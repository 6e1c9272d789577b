import { cp, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { once, run } from './client-packages.ts';

const SUITE = join(import.meta.dir, '..', 'real-clients');
/** Registries and two cores are shared: more at once take no less time. */
const AT_ONCE = 3;

/** Where each client was installed, by its package; and what could not be had. */
export interface RealClients {
  readonly folders: Readonly<Record<string, string>>;
  readonly omissions: readonly string[];
}

/** Whether these test files need them: installing them takes a while. */
export function wantsRealClients(files: readonly string[]): boolean {
  return files.some((file) => file.startsWith('tests/real-clients/'));
}

/** Installs the clients of `tests/real-clients/packages.json`, each once per version. Never throws. */
export async function installRealClients(cache: string): Promise<RealClients> {
  const { npm, pypi } = JSON.parse(await readFile(join(SUITE, 'packages.json'), 'utf8'));
  const jobs: (readonly [name: string, install: () => Promise<string>])[] = [
    ...Object.entries<string>(pypi).map(
      ([name, version]) => [name, () => installFromPyPi(cache, name, version)] as const,
    ),
    ['go-sdk', () => buildGoClient(cache)],
    ...Object.entries<string>(npm).map(
      ([name, version]) => [name, () => installFromNpm(cache, name, version)] as const,
    ),
  ];
  const folders: Record<string, string> = {};
  const omissions: string[] = [];
  const work = async () => {
    for (let job = jobs.shift(); job !== undefined; job = jobs.shift()) {
      const [name, install] = job;
      try {
        folders[name] = await install();
      } catch (error) {
        omissions.push(`suites with ${name}: ${error instanceof Error ? error.message : error}`);
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return { folders, omissions };
}

/** Gives the folder of the package. Its scripts do not run: what they fetch is not in the registry. */
async function installFromNpm(cache: string, name: string, version: string): Promise<string> {
  if (Bun.which('node') === null) throw new Error('there is no node');
  const folder = await once(cache, `client-${name.replace('/', '-')}`, version, async (root) => {
    await Bun.write(
      join(root, 'package.json'),
      JSON.stringify({ private: true, dependencies: { [name]: version } }),
    );
    await run([process.execPath, 'install', '--ignore-scripts', '--no-progress', '--no-save'], root);
  });
  return join(folder, 'node_modules', name);
}

/** Gives the folder of a virtual environment. */
async function installFromPyPi(cache: string, name: string, version: string): Promise<string> {
  if (Bun.which('python3') === null) throw new Error('there is no python3');
  return await once(cache, `client-${name}`, version, async (root) => {
    await run(['python3', '-m', 'venv', root]);
    const quiet = ['--quiet', '--disable-pip-version-check', '--no-input', '--only-binary', ':all:'];
    await run([join(root, 'bin/python'), '-m', 'pip', 'install', ...quiet, `${name}==${version}`]);
  });
}

/** Gives the folder of the program `client`. */
async function buildGoClient(cache: string): Promise<string> {
  if (Bun.which('go') === null) throw new Error('there is no go');
  const source = join(SUITE, 'go');
  const files = ['main.go', 'go.mod', 'go.sum'].map((file) => readFile(join(source, file), 'utf8'));
  return await once(cache, 'client-go-sdk', (await Promise.all(files)).join('\0'), async (root) => {
    await cp(source, root, { recursive: true });
    await run(['go', 'build', '-mod=readonly', '-o', 'client', '.'], root, { GOTOOLCHAIN: 'local' });
  });
}
