import { join } from 'node:path';
import { ThvError } from '../../../errors/index.ts';
import { RUNTIME } from '../../filesystem-view.ts';
import { runTool, type ToolResult } from '../confined/installer.ts';
import type { InstallOptions } from '../types.ts';
import type { NpmSettings } from '../user-settings/npm.ts';
import { deniedHint } from '../user-settings/reach.ts';

/** A call of our own executable as the package manager. */
interface BunCall {
  readonly request: string;
  readonly args: readonly string[];
  /** Folder it works in and writes to; without one it only asks. */
  readonly folder?: string;
  readonly settings: NpmSettings;
}

const CONFIG = 'bunfig.toml';
const ENVIRONMENT = { BUN_BE_BUN: '1' } as const;
/** Packages are found in a cache by name and version: below a scope one level deeper. */
const CACHE_DEPTH = 2;

/** Asks the registry for something, without any folder. */
export function askRegistry(call: Omit<BunCall, 'folder'>, options: InstallOptions): Promise<ToolResult> {
  return callBun(call, [], options);
}

/** Flags of every installation: nothing of a package is run, and files are copies, which nobody else's depend on. */
const INSTALL_FLAGS = ['--ignore-scripts', '--no-progress', '--no-summary', '--backend=copyfile'] as const;

/** Installs into a folder by way of the cache for downloads, which no program of a package ever sees. */
export function installWithBun(
  call: BunCall & { readonly folder: string },
  options: InstallOptions,
): Promise<ToolResult> {
  const cache = join(options.cacheFolder, 'npm');
  const args = [...call.args, ...INSTALL_FLAGS, '--cache-dir', cache];
  return callBun(
    { ...call, args },
    [{ path: call.folder }, { path: cache, cacheDepth: CACHE_DEPTH }],
    options,
  );
}

function callBun(
  { request, args, folder = '/', settings }: BunCall,
  writable: Parameters<typeof runTool>[0]['writable'],
  options: InstallOptions,
): Promise<ToolResult> {
  const { npmrc, certificates, reach } = settings;
  const [verb = '', ...rest] = args;
  return runTool(
    {
      request,
      call: (place) => ({
        // Settings of its own kind may name a program to run while packages are installed: it gets an empty file.
        command: [RUNTIME, verb, `--config=${join(place.settings, CONFIG)}`, '--no-env-file', ...rest],
        env: { ...ENVIRONMENT, ...certificates.env(place.settings) },
      }),
      cwd: folder,
      home: { '.npmrc': npmrc },
      settings: { [CONFIG]: '', ...certificates.files },
      writable,
      reach,
    },
    options,
  );
}

/** Throws `ERR_PACKAGE_NOT_FOUND` and `ERR_PACKAGE_INSTALL` when a package manager failed. */
export function succeed({ exitCode, lastWords, denied }: ToolResult, request: string): void {
  if (exitCode === 0) return;
  const isMissing =
    /No version matching|404|not found/i.test(lastWords) && /failed to resolve|404/i.test(lastWords);
  const hint = deniedHint(denied);
  throw new ThvError(
    isMissing ? 'ERR_PACKAGE_NOT_FOUND' : 'ERR_PACKAGE_INSTALL',
    { package: request, reason: lastWords },
    hint === undefined ? {} : { hint },
  );
}
