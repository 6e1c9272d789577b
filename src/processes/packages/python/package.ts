import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, realpathSync, rmSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import * as v from 'valibot';
import { ThvError } from '../../../errors/index.ts';
import { removeTreeSync, writeFileAtomic } from '../../../platform/index.ts';
import type { ToolResult } from '../confined/installer.ts';
import { isInside } from '../npm/program.ts';
import { digestOf, openPackageStore, type PackageRecord, type PackageStore } from '../store.ts';
import type { InstalledPackage, InstallOptions } from '../types.ts';
import { pythonSettings } from '../user-settings/python.ts';
import { deniedHint } from '../user-settings/reach.ts';
import { canRun, findPythons, pythonsUsed } from './interpreters.ts';
import { callUv, hasUv } from './uv.ts';

const REQUEST = /^([A-Za-z0-9][\w.-]*(?:\[[\w,.-]+\])?)(?:(?:@|==)([\w.+!-]+))?$/;
/** Beside the folder of a package, where nothing of the package can write it. */
const READY = '.installed';
const ReadySchema = v.object({ interpreters: v.array(v.string()) });
const KEY = /^[0-9a-f]{40}$/;

/**
 * Installs a PyPI package as a tool, by the `uv` that is installed on this machine, unless it is there. `name@1.2.3` that is there
 * needs no network. Throws `ERR_PACKAGE_NOT_FOUND` and `ERR_PACKAGE_INSTALL`.
 */
export async function installPythonPackage(
  request: string,
  options: InstallOptions,
): Promise<InstalledPackage> {
  const store = openPackageStore(join(options.folder, 'uv'));
  const [, name, wanted] = REQUEST.exec(request) ?? [];
  if (name === undefined) {
    throw new ThvError('ERR_PACKAGE_NOT_FOUND', {
      package: request,
      reason: 'not the name of a Python package, as in name@1.2.3',
    });
  }
  const isExact = wanted !== undefined && wanted !== 'latest';
  const version = isExact ? wanted : await latestVersion(store, name, options);
  const wish = { spec: `${name}==${version}`, version, buildWith: [...(options.buildWith ?? [])].sort() };
  const found = findIntact(store, keyOf(wish)) ?? (await install(store, wish, options));
  return describe(store, found, name);
}

/** A package, and what is to be installed beside it. */
interface Wish {
  readonly spec: string;
  readonly version: string;
  readonly buildWith: readonly string[];
}

function keyOf({ spec, buildWith }: Wish): string {
  return buildWith.length === 0 ? spec : `${spec} with ${JSON.stringify(buildWith)}`;
}

async function latestVersion(store: PackageStore, name: string, options: InstallOptions): Promise<string> {
  const request = `latest version of ${name}`;
  const known = store.find(request)?.version;
  const ofLastTime = (version: string, why: string) => {
    options.logger.warn(`${why}, using the version of the last time`, { package: name, version });
    return version;
  };
  if (known !== undefined && !hasUv(options)) return ofLastTime(known, 'uv is not installed any more');
  using scratch = store.createScratch();
  const input = join(scratch.folder, 'requirements.in');
  await Bun.write(input, `${name}\n`);
  const args = ['pip', 'compile', '--no-deps', '--no-header', '--no-annotate', '--quiet', input];
  const folders = [scratch.folder];
  const settings = await pythonSettings(options);
  const call = { request: name, args, cwd: '/', folders, settings, wantedPython: undefined };
  const asked = await callUv(call, options);
  const { exitCode, stdout } = asked;
  const version = /==([^\s;]+)/.exec(stdout)?.[1];
  if (exitCode === 0 && version !== undefined) {
    await store.save(request, { key: '', version, digest: '' });
    return version;
  }
  if (known === undefined) throw failureOf(name, asked);
  return ofLastTime(known, 'package registry does not answer');
}

function findIntact(store: PackageStore, request: string): PackageRecord | undefined {
  const record = store.find(request);
  return record !== undefined && isIntact(store.pathOf(record.key)) ? record : undefined;
}

/** Its programs are links into its tools, and those to a Python that may have been replaced by a newer one since. */
function isIntact(folder: string): boolean {
  const bin = join(folder, 'bin');
  return (
    existsSync(`${folder}${READY}`) &&
    canRun(environmentsIn(folder)) &&
    existsSync(bin) &&
    readdirSync(bin).every((name) => existsSync(join(bin, name)))
  );
}

function environmentsIn(folder: string): readonly string[] {
  const tools = join(folder, 'tools');
  if (!existsSync(tools)) return [];
  return readdirSync(tools, { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? [join(tools, entry.name)] : [],
  );
}

/**
 * Installs in place, because the scripts name the interpreter by its full path; the marker is written last. Each attempt gets a
 * new folder, because the `uv` of a command that was killed goes on writing to the old one.
 */
function install(store: PackageStore, wish: Wish, options: InstallOptions): Promise<PackageRecord> {
  const request = keyOf(wish);
  const more = wish.buildWith.map((requirement) => `--with=${requirement}`);
  return store.exclusively(request, options.signal, async () => {
    const found = findIntact(store, request);
    if (found !== undefined) return found;
    options.progress(`Installing ${wish.spec}`);
    const broken = store.find(request);
    if (broken !== undefined && !isOfEarlierVersion(store.pathOf(broken.key)))
      removeInstalled(store.pathOf(broken.key));
    store.sweep((name) => KEY.test(name) && isIncomplete(store.pathOf(name)));
    const key = digestOf(request, process.platform, process.arch, randomUUID());
    const folder = store.pathOf(key);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    // Wheels carry a digest of the index, which uv checks; building from source would run the package's own code.
    const scripts = options.allowScripts ? [] : ['--no-build'];
    const settings = await pythonSettings(options);
    const result = await callUv(
      {
        request,
        args: ['tool', 'install', '--quiet', ...scripts, ...more, '--', wish.spec],
        cwd: '/',
        folders: [folder],
        env: { UV_TOOL_DIR: join(folder, 'tools'), UV_TOOL_BIN_DIR: join(folder, 'bin') },
        settings,
        wantedPython: undefined,
      },
      options,
    ).catch((error: unknown) => {
      removeInstalled(folder);
      throw error;
    });
    if (result.exitCode !== 0) {
      removeInstalled(folder);
      throw failureOf(request, result);
    }
    const interpreters = pythonsUsed(environmentsIn(folder), findPythons(options));
    await writeFileAtomic(`${folder}${READY}`, JSON.stringify({ interpreters }));
    const record = { key, version: wish.version, digest: '' };
    await store.save(request, record);
    return record;
  });
}

/** Complete, but with its marker inside: a server may be running of it. */
function isOfEarlierVersion(folder: string): boolean {
  return existsSync(join(folder, READY));
}

function isIncomplete(folder: string): boolean {
  return !existsSync(`${folder}${READY}`) && !isOfEarlierVersion(folder);
}

function removeInstalled(folder: string): void {
  rmSync(`${folder}${READY}`, { force: true });
  removeTreeSync(folder);
}

function failureOf(request: string, { lastWords, denied }: ToolResult): ThvError {
  const facts = { package: request, reason: lastWords };
  if (/not found in the package registry|no version of/i.test(lastWords))
    return new ThvError('ERR_PACKAGE_NOT_FOUND', facts);
  const needsBuild = /no usable wheels|--no-build/.test(lastWords);
  const hint = needsBuild
    ? 'what has to be built needs --allow-install-scripts, or a container engine'
    : deniedHint(denied);
  return new ThvError('ERR_PACKAGE_INSTALL', facts, hint === undefined ? {} : { hint });
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
  const program = realpathSync(join(bin, chosen));
  if (!isInside(program, folder) || !statSync(program).isFile()) {
    const reason = `its program ${chosen} is not a regular file of the package`;
    throw new ThvError('ERR_PACKAGE_INSTALL', { package: name, reason });
  }
  const { interpreters } = v.parse(ReadySchema, JSON.parse(readFileSync(`${folder}${READY}`, 'utf8')));
  return {
    reference: `uvx://${name}@${record.version}`,
    version: record.version,
    command: [program],
    env: { PYTHONDONTWRITEBYTECODE: '1', PYTHONUNBUFFERED: '1' },
    readOnlyPaths: [folder, ...interpreters],
  };
}
