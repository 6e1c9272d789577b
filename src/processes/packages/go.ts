import { createHash } from 'node:crypto';
import { chmodSync, existsSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { ThvError } from '../../errors/index.ts';
import { runTool } from './run-tool.ts';
import { digestOf, openPackageStore, type PackageRecord, type PackageStore } from './store.ts';
import type { InstalledPackage, InstallOptions } from './types.ts';

const PROGRAM = 'server';

/**
 * Builds a Go program by the `go` that is installed on this machine, unless it is there; a local path is built anew at each
 * call. Go checks modules against its checksum database. Throws `ERR_PACKAGE_NOT_FOUND` and `ERR_PACKAGE_INSTALL`.
 */
export async function installGoProgram(request: string, options: InstallOptions): Promise<InstalledPackage> {
  const go = Bun.which('go', { PATH: options.env['PATH'] ?? '' });
  if (go === null) {
    throw new ThvError(
      'ERR_PACKAGE_INSTALL',
      { package: request, reason: 'go is not installed' },
      { hint: 'install Go (https://go.dev/dl/), or run the package in a container with --runtime docker' },
    );
  }
  const store = openPackageStore(join(options.folder, 'go'));
  const isLocal = /^(?:\/|\.\.?(?:\/|$))/.test(request);
  const remote = /@[^/]*$/.test(request) ? request : `${request}@latest`;
  // By its full path, for it may be built again from elsewhere.
  const spec = isLocal ? resolve(request) : remote;
  if (!isLocal && !/^[\w.~/-]+@[\w.+-]+$/.test(spec)) {
    throw new ThvError('ERR_PACKAGE_NOT_FOUND', {
      package: request,
      reason: 'not a Go package, as in example.com/module/cmd@v1.2.3',
    });
  }
  const isExact = /@v\d+\.\d+\.\d+/.test(spec) && !isLocal;
  const found =
    (isExact ? findIntact(store, spec) : undefined) ?? (await build(go, store, spec, isLocal, options));
  const path = isLocal ? spec : spec.replace(/@[^/]*$/, `@${found.version}`);
  return {
    reference: `go://${path}`,
    version: found.version,
    command: [join(store.pathOf(found.key), PROGRAM)],
    env: {},
    readOnlyPaths: [store.pathOf(found.key)],
  };
}

function findIntact(store: PackageStore, spec: string): PackageRecord | undefined {
  const record = store.find(spec);
  if (record === undefined) return undefined;
  const program = join(store.pathOf(record.key), PROGRAM);
  return existsSync(program) && sha256(program) === record.digest ? record : undefined;
}

function build(
  go: string,
  store: PackageStore,
  spec: string,
  isLocal: boolean,
  options: InstallOptions,
): Promise<PackageRecord> {
  return store.exclusively(spec, options.signal, async () => {
    options.progress(`Building ${spec}`);
    using scratch = store.createScratch();
    const env = { ...options.env, CGO_ENABLED: '0', GOBIN: scratch.folder, GO111MODULE: 'on' };
    const command = isLocal ? [go, 'build', '-o', join(scratch.folder, PROGRAM), '.'] : [go, 'install', spec];
    const cwd = isLocal ? spec : scratch.folder;
    const { exitCode, lastWords } = await runTool(command, { env, cwd, signal: options.signal });
    const latest = `${spec.replace(/@[^/]*$/, '')}@latest`;
    if (exitCode !== 0) {
      const known = spec === latest ? findIntact(store, spec) : undefined;
      if (known !== undefined) {
        options.logger.warn('Go modules cannot be reached, using the version of the last time', {
          package: spec,
          version: known.version,
        });
        return known;
      }
      throw new ThvError('ERR_PACKAGE_INSTALL', { package: spec, reason: lastWords });
    }
    const [built] = readdirSync(scratch.folder);
    if (built === undefined)
      throw new ThvError('ERR_PACKAGE_INSTALL', { package: spec, reason: 'it is no program' });
    const program = join(scratch.folder, PROGRAM);
    if (built !== PROGRAM) renameSync(join(scratch.folder, built), program);
    chmodSync(program, 0o500);
    const { stdout } = await runTool([go, 'version', '-m', program], {
      env,
      cwd: scratch.folder,
      signal: options.signal,
    });
    const version = /^\s*mod\s+\S+\s+(\S+)/m.exec(stdout)?.[1] ?? 'local';
    const digest = sha256(program);
    const key = digestOf(digest);
    scratch.moveTo(key);
    const record = { key, version, digest };
    await store.save(spec, record);
    if (!isLocal) await store.save(spec.replace(/@[^/]*$/, `@${version}`), record);
    return record;
  });
}

function sha256(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex');
}
