import { chmodSync, existsSync, readdirSync, renameSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { ThvError } from '../../../errors/index.ts';
import { withRegularFile } from '../../../platform/index.ts';
import type { ToolResult } from '../confined/installer.ts';
import { digestOf, openPackageStore, type PackageRecord, type PackageStore, sha256Of } from '../store.ts';
import type { InstalledPackage, InstallOptions } from '../types.ts';
import { type GoSettings, goSettings } from '../user-settings/go.ts';
import { deniedHint } from '../user-settings/reach.ts';
import { copyGoFolder } from './folder.ts';
import { callGo, hasGo, requireGo } from './toolchain.ts';

const PROGRAM = 'server';
const LOCAL = /^(?:\/|\.\.?(?:\/|$))/;

/**
 * Builds a Go program by the `go` that is installed on this machine, unless it is there; a local path is rebuilt when what it
 * holds has changed. Go checks modules against its checksum database. Throws `ERR_PACKAGE_NOT_FOUND` and `ERR_PACKAGE_INSTALL`.
 */
export async function installGoProgram(request: string, options: InstallOptions): Promise<InstalledPackage> {
  const store = openPackageStore(join(options.folder, 'go'));
  if (LOCAL.test(request)) {
    const path = resolve(request);
    return describe(store, await installLocal(store, path, options), path);
  }
  const spec = /@[^/]*$/.test(request) ? request : `${request}@latest`;
  if (!/^[\w.~/-]+@[\w.+-]+$/.test(spec) || spec.startsWith('-')) {
    throw new ThvError('ERR_PACKAGE_NOT_FOUND', {
      package: request,
      reason: 'not a Go package, as in example.com/module/cmd@v1.2.3',
    });
  }
  const isExact = /@v\d+\.\d+\.\d+/.test(spec);
  const found =
    (isExact ? findIntact(store, spec) : undefined) ?? (await installRemote(store, spec, options));
  return describe(store, found, spec.replace(/@[^/]*$/, `@${found.version}`));
}

function describe(store: PackageStore, { key, version }: PackageRecord, path: string): InstalledPackage {
  return {
    reference: `go://${path}`,
    version,
    command: [join(store.pathOf(key), PROGRAM)],
    env: {},
    readOnlyPaths: [store.pathOf(key)],
  };
}

function findIntact(store: PackageStore, spec: string): PackageRecord | undefined {
  const record = store.find(spec);
  if (record === undefined) return undefined;
  const program = join(store.pathOf(record.key), PROGRAM);
  return existsSync(program) && withRegularFile(program, sha256Of) === record.digest ? record : undefined;
}

async function installRemote(
  store: PackageStore,
  spec: string,
  options: InstallOptions,
): Promise<PackageRecord> {
  const known = spec.endsWith('@latest') ? findIntact(store, spec) : undefined;
  const ofLastTime = (record: PackageRecord, why: string) => {
    options.logger.warn(`${why}, using the version of the last time`, {
      package: spec,
      version: record.version,
    });
    return record;
  };
  if (known !== undefined && !hasGo(options)) return ofLastTime(known, 'Go is not installed any more');
  requireGo(spec, options);
  return await store.exclusively(spec, options.signal, async () => {
    options.progress(`Building ${spec}`);
    using scratch = store.createScratch();
    const settings = await goSettings(options);
    const env = { GOBIN: scratch.folder };
    const call = {
      request: spec,
      args: ['install', '--', spec],
      cwd: '/',
      folders: [scratch.folder],
      env,
      settings,
    };
    const result = await callGo(call, options);
    if (result.exitCode !== 0) {
      if (known === undefined) throw failureOf(spec, result);
      return ofLastTime(known, 'Go modules cannot be reached');
    }
    const [built] = readdirSync(scratch.folder);
    if (built === undefined) {
      throw new ThvError('ERR_PACKAGE_INSTALL', { package: spec, reason: 'it is no program' });
    }
    const program = join(scratch.folder, PROGRAM);
    if (built !== PROGRAM) renameSync(join(scratch.folder, built), program);
    const record = await keep(scratch, spec, settings, options);
    await store.save(spec, record);
    await store.save(spec.replace(/@[^/]*$/, `@${record.version}`), record);
    return record;
  });
}

/** From a copy: neither the folder's history nor what its links lead to is part of it. */
async function installLocal(
  store: PackageStore,
  path: string,
  options: InstallOptions,
): Promise<PackageRecord> {
  using scratch = store.createScratch();
  const { key, target, copy } = await copyGoFolder(path, scratch.folder, options);
  const spec = `${path} ${key}`;
  return await store.exclusively(spec, options.signal, async () => {
    const found = findIntact(store, spec);
    if (found !== undefined) return found;
    options.progress(`Building ${path}`);
    await copy();
    using output = store.createScratch();
    const settings = await goSettings(options);
    const result = await callGo(
      {
        request: path,
        args: ['build', '-o', join(output.folder, PROGRAM), target],
        cwd: scratch.folder,
        readOnlyPaths: [scratch.folder],
        folders: [output.folder],
        settings,
      },
      options,
    );
    if (result.exitCode !== 0) throw failureOf(path, result);
    const record = { ...(await keep(output, path, settings, options)), version: 'local' };
    await store.save(spec, record);
    return record;
  });
}

/** Moves what was built to its place in the store, by its digest. */
async function keep(
  scratch: ReturnType<PackageStore['createScratch']>,
  request: string,
  settings: GoSettings,
  options: InstallOptions,
): Promise<PackageRecord> {
  const program = join(scratch.folder, PROGRAM);
  const digest = withRegularFile(program, sha256Of);
  chmodSync(program, 0o500);
  const { stdout } = await callGo(
    {
      request,
      args: ['version', '-m', program],
      cwd: '/',
      readOnlyPaths: [scratch.folder],
      folders: [],
      settings,
    },
    options,
  );
  const version = /^\s*mod\s+\S+\s+(\S+)/m.exec(stdout)?.[1] ?? 'local';
  const key = digestOf(digest);
  scratch.moveTo(key);
  return { key, version, digest };
}

function failureOf(request: string, { lastWords, denied }: ToolResult): ThvError {
  const hint = deniedHint(denied);
  return new ThvError(
    'ERR_PACKAGE_INSTALL',
    { package: request, reason: lastWords },
    hint === undefined ? {} : { hint },
  );
}
