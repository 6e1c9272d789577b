import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { ThvError } from '../../errors/index.ts';
import { runTool } from './run-tool.ts';
import { digestOf, openPackageStore, type PackageRecord, type PackageStore } from './store.ts';
import type { InstalledPackage, InstallOptions } from './types.ts';

const REQUEST = /^([A-Za-z0-9][\w.-]*(?:\[[\w,.-]+\])?)(?:(?:@|==)([\w.+!-]+))?$/;
const READY = '.installed';
const KEY = /^[0-9a-f]{40}$/;

/**
 * Installs a PyPI package as a tool, by the `uv` that is installed on this machine, unless it is there. `name@1.2.3` that is there
 * needs no network. Throws `ERR_PACKAGE_NOT_FOUND` and `ERR_PACKAGE_INSTALL`.
 */
export async function installPythonPackage(
  request: string,
  options: InstallOptions,
): Promise<InstalledPackage> {
  const uv = requireUv(request, options);
  const store = openPackageStore(join(options.folder, 'uv'));
  const [, name, wanted] = REQUEST.exec(request) ?? [];
  if (name === undefined) {
    throw new ThvError('ERR_PACKAGE_NOT_FOUND', {
      package: request,
      reason: 'not the name of a Python package, as in name@1.2.3',
    });
  }
  const isExact = wanted !== undefined && wanted !== 'latest';
  const version = isExact ? wanted : await latestVersion(uv, store, name, options);
  const key = `${name}==${version}`;
  const found = findIntact(store, key) ?? (await install(uv, store, key, options));
  return describe(store, found, name);
}

/** Throws `ERR_PACKAGE_INSTALL` where it is not installed. */
export function requireUv(request: string, { env }: Pick<InstallOptions, 'env'>): string {
  const uv = Bun.which('uv', { PATH: env['PATH'] ?? '' });
  if (uv !== null) return uv;
  throw new ThvError(
    'ERR_PACKAGE_INSTALL',
    { package: request, reason: 'uv is not installed' },
    {
      hint: 'install uv (https://docs.astral.sh/uv/), or run the package in a container with --runtime docker',
    },
  );
}

async function latestVersion(
  uv: string,
  store: PackageStore,
  name: string,
  options: InstallOptions,
): Promise<string> {
  const request = `latest version of ${name}`;
  using scratch = store.createScratch();
  const input = join(scratch.folder, 'requirements.in');
  await Bun.write(input, `${name}\n`);
  const compile = [uv, 'pip', 'compile', '--no-deps', '--no-header', '--no-annotate', '--quiet', input];
  const { exitCode, stdout, lastWords } = await runTool(compile, uvOptions(options));
  const version = /==([^\s;]+)/.exec(stdout)?.[1];
  if (exitCode === 0 && version !== undefined) {
    await store.save(request, { key: '', version, digest: '' });
    return version;
  }
  const known = store.find(request)?.version;
  if (known === undefined) throw failureOf(name, lastWords);
  options.logger.warn('package registry does not answer, using the version of the last time', {
    package: name,
    version: known,
  });
  return known;
}

function findIntact(store: PackageStore, request: string): PackageRecord | undefined {
  const record = store.find(request);
  return record !== undefined && isIntact(store.pathOf(record.key)) ? record : undefined;
}

/** Its programs are links into its tools, and those to a Python that may have been replaced by a newer one since. */
function isIntact(folder: string): boolean {
  const bin = join(folder, 'bin');
  return (
    existsSync(join(folder, READY)) &&
    hasInterpreters(join(folder, 'tools')) &&
    existsSync(bin) &&
    readdirSync(bin).every((name) => existsSync(join(bin, name)))
  );
}

/**
 * In place, for its scripts name the interpreter by its full path; the marker is written last. Never where it was tried before:
 * the `uv` of a command that was killed goes on.
 */
function install(
  uv: string,
  store: PackageStore,
  request: string,
  options: InstallOptions,
): Promise<PackageRecord> {
  return store.exclusively(request, options.signal, async () => {
    const found = findIntact(store, request);
    if (found !== undefined) return found;
    options.progress(`Installing ${request}`);
    const broken = store.find(request);
    if (broken !== undefined) rmSync(store.pathOf(broken.key), { recursive: true, force: true });
    store.sweep((name) => KEY.test(name) && !existsSync(join(store.pathOf(name), READY)));
    const key = digestOf(request, process.platform, process.arch, randomUUID());
    const folder = store.pathOf(key);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const base = uvOptions(options);
    const env = { ...base.env, UV_TOOL_DIR: join(folder, 'tools'), UV_TOOL_BIN_DIR: join(folder, 'bin') };
    // Wheels carry a digest of the index, which uv checks; building from source would run the package's own code.
    const scripts = options.scriptSandbox === undefined ? ['--no-build'] : [];
    const { exitCode, lastWords } = await runTool([uv, 'tool', 'install', '--quiet', ...scripts, request], {
      ...base,
      env,
    });
    if (exitCode !== 0) {
      rmSync(folder, { recursive: true, force: true });
      throw failureOf(request, lastWords);
    }
    await Bun.write(join(folder, READY), '');
    const record = { key, version: request.slice(request.indexOf('==') + 2), digest: '' };
    await store.save(request, record);
    return record;
  });
}

function failureOf(request: string, lastWords: string): ThvError {
  const facts = { package: request, reason: lastWords };
  if (/not found in the package registry|no version of/i.test(lastWords))
    return new ThvError('ERR_PACKAGE_NOT_FOUND', facts);
  const needsBuild = /no usable wheels|--no-build/.test(lastWords);
  const hint = 'what has to be built needs --allow-install-scripts, or a container engine';
  return new ThvError('ERR_PACKAGE_INSTALL', facts, needsBuild ? { hint } : {});
}

function describe(store: PackageStore, record: PackageRecord, name: string): InstalledPackage {
  const folder = realpathSync(store.pathOf(record.key));
  const plain = name.replace(/\[.*/, '');
  const bin = join(folder, 'bin');
  const names = readdirSync(bin);
  const chosen = names.length === 1 ? names[0] : names.find((each) => basename(each, '.exe') === plain);
  if (chosen === undefined) {
    throw new ThvError('ERR_PACKAGE_INSTALL', {
      package: name,
      reason: `it brings several programs, none of them called ${plain}: ${names.join(', ')}`,
    });
  }
  return {
    reference: `uvx://${name}@${record.version}`,
    version: record.version,
    command: [realpathSync(join(bin, chosen))],
    env: { PYTHONDONTWRITEBYTECODE: '1', PYTHONUNBUFFERED: '1' },
    readOnlyPaths: [folder, ...interpretersOf(join(folder, 'tools'))],
  };
}

/** Whether there are environments, each with the Python that it was made with. */
export function hasInterpreters(tools: string): boolean {
  try {
    return interpretersOf(tools).length > 0;
  } catch {
    return false; // removed, or replaced by another version
  }
}

/** Where the Python that the tools use is installed: it may be anywhere, the home folder included. */
export function interpretersOf(tools: string): readonly string[] {
  return readdirSync(tools, { withFileTypes: true }).flatMap((entry) => {
    const settings = join(tools, entry.name, 'pyvenv.cfg');
    if (!entry.isDirectory() || !existsSync(settings)) return [];
    const home = /^home\s*=\s*(.+)$/m.exec(readFileSync(settings, 'utf8'))?.[1]?.trim();
    if (home === undefined) return [];
    // The folder by which it is called, and the one it really is in.
    return [dirname(home), dirname(dirname(realpathSync(join(home, 'python3'))))];
  });
}

export function uvOptions(options: InstallOptions) {
  const env = {
    ...options.env,
    UV_CACHE_DIR: join(options.cacheFolder, 'uv'),
    UV_PYTHON_INSTALL_DIR: join(options.folder, 'python'),
    UV_NO_PROGRESS: '1',
  };
  return { env, cwd: '/', signal: options.signal };
}
