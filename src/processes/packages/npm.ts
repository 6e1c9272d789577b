import {
  existsSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, isAbsolute, join, resolve } from 'node:path';
import * as v from 'valibot';
import { ThvError } from '../../errors/index.ts';
import type { Sandbox } from '../types.ts';
import { runTool } from './run-tool.ts';
import { digestOf, openPackageStore, type PackageRecord, type PackageStore } from './store.ts';
import type { InstalledPackage, InstallOptions } from './types.ts';

const LOCKFILE = 'bun.lock';
const EXACT_VERSION = /^\d+\.\d+\.\d+(?:[-+][\w.+-]+)?$/;
const NAME = /^(?:@[a-z0-9-~][a-z0-9-._~]*\/)?[a-z0-9-~][a-z0-9-._~]*$/i;

const ManifestSchema = v.object({
  name: v.string(),
  version: v.optional(v.string(), '0.0.0'),
  bin: v.optional(v.union([v.string(), v.record(v.string(), v.string())])),
});

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
  const key = `${exact}${options.scriptSandbox === undefined ? '' : ' with scripts'}`;
  const found = findIntact(store, key) ?? (await install(store, key, isArchive ? wanted : exact, options));
  return describe(store, found, isArchive ? undefined : name, isArchive ? wanted : undefined);
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
  return `${path} ${digestOf(readFileSync(path).toString('base64'))}`;
}

/** Asks the registry; without one, what was meant the last time. */
async function resolveVersion(
  store: PackageStore,
  name: string,
  wanted: string,
  options: InstallOptions,
): Promise<string> {
  const request = `version of ${name}@${wanted}`;
  const { exitCode, stdout, lastWords } = await bun(
    ['pm', 'view', `${name}@${wanted}`, 'version'],
    options.folder,
    options,
  );
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
  throw new ThvError(isMissing ? 'ERR_PACKAGE_NOT_FOUND' : 'ERR_PACKAGE_INSTALL', {
    package: `${name}@${wanted}`,
    reason: lastWords,
  });
}

/** What was installed, if it still is there with the list of contents that gave it its name. */
function findIntact(store: PackageStore, request: string): PackageRecord | undefined {
  const record = store.find(request);
  if (record === undefined) return undefined;
  return digestOfContents(store.pathOf(record.key)) === record.digest ? record : undefined;
}

function digestOfContents(folder: string): string | undefined {
  try {
    readManifest(rootOf(folder, undefined));
    return digestOf(readFileSync(join(folder, LOCKFILE), 'utf8'));
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
    const found = findIntact(store, request);
    if (found !== undefined) return found;
    options.progress(`Installing ${spec}`);
    using scratch = store.createScratch();
    writeFileSync(join(scratch.folder, 'package.json'), '{"private":true}\n');
    const add = ['add', spec, '--exact', '--ignore-scripts', '--no-progress', '--no-summary'];
    const flags = ['--save-text-lockfile', '--cache-dir', join(options.cacheFolder, 'npm')];
    succeed(await bun([...add, ...flags], scratch.folder, options), spec);
    const lock = readFileSync(join(scratch.folder, LOCKFILE), 'utf8');
    requireIntegrity(lock, spec);
    if (options.scriptSandbox !== undefined)
      await runScripts(options.scriptSandbox, ['pm', 'trust', '--all'], scratch.folder, spec, options);
    // As it is after the scripts were run, for the next start compares this one.
    const digest = digestOfContents(scratch.folder) ?? '';
    const scripts = options.scriptSandbox === undefined ? '' : 'scripts';
    const key = digestOf(digest, scripts, process.platform, process.arch);
    scratch.moveTo(key, (place) => digestOfContents(place) === digest);
    const { version } = readManifest(rootOf(store.pathOf(key), undefined));
    const record = { key, version, digest };
    await store.save(request, record);
    return record;
  });
}

/** With all of the network, for many scripts download what they install, but with no files beside the package's own. */
export async function runScripts(
  sandbox: Sandbox,
  command: readonly string[],
  folder: string,
  spec: string,
  { logger, signal }: InstallOptions,
): Promise<void> {
  using own = ownFolder();
  const running = await sandbox.start({
    command: [RUNTIME, ...command],
    cwd: folder,
    env: { BUN_BE_BUN: '1' },
    folder: own.path,
    readOnlyPaths: [],
    mounts: [{ source: folder, target: folder, readOnly: false }],
    network: { type: 'host' },
    logger,
    signal,
  });
  const stop = () => void running.stop(0);
  signal.addEventListener('abort', stop);
  try {
    await running.stdin.end();
    const [stdout, stderr, { exitCode }] = await Promise.all([
      new Response(running.stdout).text(),
      new Response(running.stderr).text(),
      running.exited,
    ]);
    if (signal.aborted) throw new ThvError('ERR_CANCELLED', { reason: 'cancelled' });
    const said = `${stdout}\n${stderr}`;
    // It calls that a failure.
    if (exitCode !== 0 && !/\b0 scripts ran\b/.test(said)) {
      throw new ThvError('ERR_PACKAGE_INSTALL', { package: spec, reason: said.trim().slice(-2000) });
    }
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

function ownFolder(): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), 'thv-scripts-'));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

/** Every package that came from a registry must carry the digest it was checked against. */
function requireIntegrity(lock: string, spec: string): void {
  // One package a line: "name": ["name@1.2.3", "", {…}, "sha512-…"],
  const unchecked = lock
    .split('\n')
    .filter((line) => /^\s*"[^"]+": \["[^"]+"/.test(line) && !/"sha\d+-[^"]+"\],?$/.test(line));
  if (unchecked.length > 0) {
    throw new ThvError('ERR_PACKAGE_INSTALL', {
      package: spec,
      reason: `a dependency has no digest to check it against: ${unchecked[0]?.trim().slice(0, 200)}`,
    });
  }
}

function describe(
  store: PackageStore,
  record: PackageRecord,
  name: string | undefined,
  archive: string | undefined,
): InstalledPackage {
  const folder = store.pathOf(record.key);
  const root = rootOf(folder, name);
  const manifest = readManifest(root);
  const program = binOf(root, manifest);
  return {
    reference: `npx://${archive ?? `${manifest.name}@${manifest.version}`}`,
    version: manifest.version,
    command: isScript(program) ? [RUNTIME, '--no-install', '--no-env-file', program] : [program],
    env: { BUN_BE_BUN: '1', NODE_ENV: 'production', NODE_PATH: join(folder, 'node_modules') },
    readOnlyPaths: [realpathSync(folder)],
  };
}

/** Stands for the runtime's place in the sandbox. */
export const RUNTIME = 'bun';

/** The folder of the package that was asked for; the only direct dependency there is. */
function rootOf(folder: string, name: string | undefined): string {
  const dependencies = v.parse(
    v.object({ dependencies: v.record(v.string(), v.string()) }),
    JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')),
  ).dependencies;
  const direct = name ?? Object.keys(dependencies)[0] ?? '';
  return realpathSync(join(folder, 'node_modules', direct));
}

function readManifest(root: string): v.InferOutput<typeof ManifestSchema> {
  return v.parse(ManifestSchema, JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')));
}

/** The program npx would take: the only one, else the one that is called like the package. */
function binOf(root: string, { name, bin }: v.InferOutput<typeof ManifestSchema>): string {
  const bins = typeof bin === 'string' ? { [basename(name)]: bin } : (bin ?? {});
  const names = Object.keys(bins);
  const chosen = names.length === 1 ? names[0] : names.find((each) => each === basename(name));
  const path = chosen === undefined ? undefined : resolve(root, bins[chosen] ?? '');
  if (path === undefined || !existsSync(path)) {
    const reason =
      names.length === 0
        ? 'it brings no program to run'
        : path === undefined
          ? `it brings several programs, none of them called ${basename(name)}: ${names.join(', ')}`
          : `its program ${path} is missing; packages that build it on installation need --allow-install-scripts`;
    throw new ThvError('ERR_PACKAGE_INSTALL', { package: name, reason });
  }
  return realpathSync(path);
}

/** Whether the runtime has to run it, as opposed to a binary or a script of another language. */
export function isScript(path: string): boolean {
  const head = readFileSync(path).subarray(0, 128).toString('latin1');
  if (head.startsWith('#!')) return /^#!.*\b(?:node|bun|deno|tsx|ts-node)\b/.test(head);
  return /\.[cm]?[jt]s$/.test(path) || !/[\0]/.test(head);
}

/** Our own executable as the package manager. */
export function bun(args: readonly string[], cwd: string, options: InstallOptions) {
  const env = { ...options.env, BUN_BE_BUN: '1', BUN_OPTIONS: undefined, BUN_INSPECT: undefined };
  return runTool([options.self[0] ?? '', ...args], {
    env,
    cwd: existsSync(cwd) ? cwd : '/',
    signal: options.signal,
  });
}

/** Throws `ERR_PACKAGE_NOT_FOUND` and `ERR_PACKAGE_INSTALL` when a package manager failed. */
export function succeed(
  result: { readonly exitCode: number; readonly lastWords: string },
  spec: string,
): void {
  if (result.exitCode === 0) return;
  const { lastWords } = result;
  const isMissing =
    /No version matching|404|not found/i.test(lastWords) && /failed to resolve|404/i.test(lastWords);
  throw new ThvError(isMissing ? 'ERR_PACKAGE_NOT_FOUND' : 'ERR_PACKAGE_INSTALL', {
    package: spec,
    reason: lastWords,
  });
}
