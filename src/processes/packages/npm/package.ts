import { realpathSync, statSync, writeFileSync } from 'node:fs';
import { isAbsolute, join, resolve } from 'node:path';
import * as v from 'valibot';
import { ThvError } from '../../../errors/index.ts';
import { readRegularFile, withRegularFile } from '../../../platform/index.ts';
import { requireRegistryPackages } from '../lock-files/bun-lock.ts';
import { digestOf, openPackageStore, type PackageRecord, type PackageStore, sha256Of } from '../store.ts';
import type { InstalledPackage, InstallOptions, JsRuntime } from '../types.ts';
import { type NpmSettings, npmSettings } from '../user-settings/npm.ts';
import { askRegistry, installWithBun, succeed } from './bun.ts';
import { findInstallScripts, runInstallScripts } from './install-scripts.ts';
import { buildLabel, chooseJsRuntime, environmentFor, interpreterOf } from './js-runtime.ts';
import {
  chosenProgram,
  isForBun,
  isInside,
  isScript,
  MAX_MANIFEST_BYTES,
  type Manifest,
  readManifest,
  readText,
} from './program.ts';

const LOCKFILE = 'bun.lock';
/** A copy of an archive that was given by its path. */
const ARCHIVE = 'package.tgz';
const MAX_ARCHIVE_BYTES = 512 * 1024 * 1024;
const EXACT_VERSION = /^\d+\.\d+\.\d+(?:[-+][\w.+-]+)?$/;
const NAME = /^(?:@[a-z0-9-~][a-z0-9-._~]*\/)?[a-z0-9-~][a-z0-9-._~]*$/i;

/**
 * Installs an npm package by its name, `name@version`, `name@range` or `name@tag`, or from an archive by its path, unless it is
 * there. What is there by an exact version needs no network. Throws `ERR_PACKAGE_NOT_FOUND` and `ERR_PACKAGE_INSTALL`.
 */
export async function installNpmPackage(request: string, options: InstallOptions): Promise<InstalledPackage> {
  const store = openPackageStore(join(options.folder, 'npm'));
  const { name, wanted } = parseRequest(request);
  const isArchive = isAbsolute(wanted);
  const version =
    isArchive || EXACT_VERSION.test(wanted) ? wanted : await resolveVersion(store, name, wanted, options);
  const exact = isArchive ? archiveSpec(wanted) : `${name}@${version}`;
  // Scripts leave traces in what is installed.
  const key = `${exact}${options.allowScripts ? ' with all scripts' : ''}`;
  const found =
    (await findUsable(store, key, options)) ??
    (await install(store, key, isArchive ? wanted : exact, options));
  return await describe(store, found, isArchive ? undefined : name, isArchive ? wanted : undefined, options);
}

function parseRequest(request: string): { readonly name: string; readonly wanted: string } {
  if (/^(?:\.{0,2}\/|[A-Za-z]:[\\/])/.test(request)) return { name: '', wanted: resolve(request) };
  const at = request.indexOf('@', 1);
  const name = at < 0 ? request : request.slice(0, at);
  const wanted = at < 0 ? 'latest' : request.slice(at + 1);
  if (!NAME.test(name) || !/^[\w.^~<>=*|+ -]+$/.test(wanted) || wanted.startsWith('-')) {
    throw new ThvError('ERR_PACKAGE_NOT_FOUND', {
      package: request,
      reason: 'not the name of an npm package, as in @scope/name@1.2.3',
    });
  }
  return { name, wanted };
}

/** An archive may change under its name. */
function archiveSpec(path: string): string {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found?.isFile() !== true) {
    throw new ThvError('ERR_PACKAGE_NOT_FOUND', { package: path, reason: 'no such archive' });
  }
  return `${path} ${withRegularFile(path, sha256Of)}`;
}

/** Asks the registry; without one, what was meant the last time. */
async function resolveVersion(
  store: PackageStore,
  name: string,
  wanted: string,
  options: InstallOptions,
): Promise<string> {
  const request = `version of ${name}@${wanted}`;
  const spec = `${name}@${wanted}`;
  const settings = await npmSettings(options);
  const asked = await askRegistry(
    { request: spec, args: ['pm', 'view', spec, 'version'], settings },
    options,
  );
  const { exitCode, stdout, lastWords } = asked;
  const version = stdout.trim().split('\n').at(-1)?.trim() ?? '';
  if (exitCode === 0 && EXACT_VERSION.test(version)) {
    await store.save(request, { key: '', version, digest: '' });
    return version;
  }
  const known = store.find(request)?.version;
  if (known !== undefined) {
    options.logger.warn('package registry does not answer, using the version of the last time', {
      package: name,
      version: known,
    });
    return known;
  }
  const isMissing = exitCode === 0 || /404|not found|does not exist/i.test(lastWords);
  if (isMissing) throw new ThvError('ERR_PACKAGE_NOT_FOUND', { package: spec, reason: lastWords });
  succeed({ ...asked, exitCode: 1 }, spec);
  throw new ThvError('ERR_PACKAGE_INSTALL', { package: spec, reason: lastWords });
}

/** What was installed, if it still is there with the list of contents that gave it its name. */
function findIntact(store: PackageStore, request: string): PackageRecord | undefined {
  const record = store.find(request);
  if (record === undefined) return undefined;
  return digestOfContents(store.pathOf(record.key)) === record.digest ? record : undefined;
}

/** The same, if what its scripts have built is good for the runtime that is chosen now. */
async function findUsable(
  store: PackageStore,
  request: string,
  options: InstallOptions,
): Promise<PackageRecord | undefined> {
  const found = findIntact(store, request);
  if (found === undefined || !options.allowScripts) return found;
  const runtime = await runtimeFor(rootOf(store.pathOf(found.key), undefined), options);
  return found.builtFor === buildLabel(runtime) ? found : undefined;
}

/** What is to run the package in a folder. */
async function runtimeFor(root: string, options: InstallOptions): Promise<JsRuntime> {
  const manifest = readManifest(root);
  return await chooseJsRuntime({ ...manifest, isForBun: namesBun(root, manifest) }, options);
}

function namesBun(root: string, manifest: Manifest): boolean {
  try {
    return isForBun(chosenProgram(root, manifest));
  } catch {
    return false; // its scripts may have to make it first; where they do not, that is said when it is to be run
  }
}

function digestOfContents(folder: string): string | undefined {
  try {
    readManifest(rootOf(folder, undefined));
    return digestOf(readText(join(folder, LOCKFILE)));
  } catch {
    return undefined; // somebody tidied up
  }
}

function install(
  store: PackageStore,
  request: string,
  spec: string,
  options: InstallOptions,
): Promise<PackageRecord> {
  return store.exclusively(request, options.signal, async () => {
    // Somebody else may have been faster.
    const found = await findUsable(store, request, options);
    if (found !== undefined) return found;
    options.progress(`Installing ${spec}`);
    using scratch = store.createScratch();
    const settings = await npmSettings(options);
    await fill(scratch.folder, spec, settings, options);
    const builtBy = options.allowScripts ? await build(scratch.folder, spec, settings, options) : undefined;
    const heldBack =
      builtBy === undefined ? findInstallScripts(scratch.folder).map(({ label }) => label) : [];
    // The digest of the state after the scripts, because that is what the next start compares.
    const digest = digestOfContents(scratch.folder) ?? '';
    const scripts = builtBy === undefined ? '' : `all scripts, ${builtBy}`;
    const key = digestOf(digest, scripts, process.platform, process.arch);
    scratch.moveTo(key, (place) => digestOfContents(place) === digest);
    const { version } = readManifest(rootOf(store.pathOf(key), undefined));
    const record = {
      key,
      version,
      digest,
      heldBack,
      ...(builtBy === undefined ? {} : { builtFor: builtBy }),
    };
    await store.save(request, record);
    return record;
  });
}

/** Runs install scripts; gives what for. */
async function build(
  folder: string,
  request: string,
  settings: NpmSettings,
  options: InstallOptions,
): Promise<string> {
  const runtime = await runtimeFor(rootOf(folder, undefined), options);
  await runInstallScripts({ request, folder, settings, runtime }, options);
  return buildLabel(runtime);
}

/** Installs `spec` into the folder. An archive is copied there first, so that the tool does not see what lies beside it. */
async function fill(
  folder: string,
  spec: string,
  settings: NpmSettings,
  options: InstallOptions,
): Promise<void> {
  writeFileSync(join(folder, 'package.json'), '{"private":true}\n');
  const isArchive = isAbsolute(spec);
  if (isArchive) writeFileSync(join(folder, ARCHIVE), readRegularFile(spec, MAX_ARCHIVE_BYTES));
  const args = ['add', isArchive ? `./${ARCHIVE}` : spec, '--exact', '--save-text-lockfile'];
  succeed(await installWithBun({ request: spec, args, folder, settings }, options), spec);
  const lock = readRegularFile(join(folder, LOCKFILE), MAX_MANIFEST_BYTES).toString('utf8');
  const own = isArchive ? [`./${ARCHIVE}`] : [];
  requireRegistryPackages(lock, { request: spec, registries: settings.registries, own });
}

async function describe(
  store: PackageStore,
  record: PackageRecord,
  name: string | undefined,
  archive: string | undefined,
  options: InstallOptions,
): Promise<InstalledPackage> {
  const folder = store.pathOf(record.key);
  const root = rootOf(folder, name);
  const manifest = readManifest(root);
  const program = chosenProgram(root, manifest);
  const runtime = await runtimeFor(root, options);
  return {
    reference: `npx://${archive ?? `${manifest.name}@${manifest.version}`}`,
    version: manifest.version,
    command: isScript(program) ? [...interpreterOf(runtime), program] : [program],
    env: { ...environmentFor(runtime), NODE_PATH: join(folder, 'node_modules') },
    readOnlyPaths: [realpathSync(folder), ...runtime.paths],
    node: runtime.program,
    jsRuntime: runtime,
    heldBack: record.heldBack ?? [],
  };
}

/** The folder of the package that was asked for; the only direct dependency there is. */
function rootOf(folder: string, name: string | undefined): string {
  const dependencies = v.parse(
    v.object({ dependencies: v.record(v.string(), v.string()) }),
    JSON.parse(readText(join(folder, 'package.json'))),
  ).dependencies;
  const direct = name ?? Object.keys(dependencies)[0] ?? '';
  const root = realpathSync(join(folder, 'node_modules', direct));
  if (isInside(root, realpathSync(folder))) return root;
  throw new ThvError('ERR_PACKAGE_INSTALL', {
    package: direct,
    reason: 'its folder is a link that leads elsewhere',
  });
}
