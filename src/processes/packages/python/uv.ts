import { join } from 'node:path';
import { ThvError } from '../../../errors/index.ts';
import type { WritablePlace } from '../confined/growth.ts';
import { runTool, type ToolResult } from '../confined/installer.ts';
import { findProgram } from '../find-program.ts';
import type { InstallOptions } from '../types.ts';
import type { PythonSettings } from '../user-settings/python.ts';
import { findPythons } from './interpreters.ts';

interface UvCall {
  readonly request: string;
  readonly args: readonly string[];
  readonly cwd: string;
  /** Where it installs to. */
  readonly folders: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly settings: PythonSettings;
  /** Which Pythons will do, as uv takes it, where none that is there does. */
  readonly wantedPython: string | undefined;
}

const CACHE_DEPTH = 2;
const NO_PYTHON =
  /No interpreter found|Python downloads are|download is available|requires-python|requires Python/i;
const WANTED_PYTHON = /Python ?((?:[<>=!~]=?\s?\d[\d.,<>=!~* ]*|\d[\d.]*))/;

/** Whether the user has uv. */
export function hasUv({ env }: Pick<InstallOptions, 'env'>): boolean {
  return findProgram('uv', env) !== undefined;
}

/** Throws `ERR_PACKAGE_INSTALL` where uv is not installed. */
function requireUv(request: string, { env }: Pick<InstallOptions, 'env'>): string {
  const uv = findProgram('uv', env);
  if (uv !== undefined) return uv;
  throw new ThvError(
    'ERR_PACKAGE_INSTALL',
    { package: request, reason: 'uv is not installed, or only a script that looks for it is on the PATH' },
    {
      hint: 'install uv (https://docs.astral.sh/uv/), or run the package in a container with --runtime docker',
    },
  );
}

/** Runs uv. Where no Python of this machine will do, one is downloaded first, by a run that sees nothing of the package. */
export async function callUv(call: UvCall, options: InstallOptions): Promise<ToolResult> {
  const first = await runUv(call, options);
  if (first.exitCode === 0 || !NO_PYTHON.test(first.lastWords)) return first;
  const wanted = call.wantedPython ?? WANTED_PYTHON.exec(first.lastWords)?.[1]?.trim();
  options.progress('Installing Python');
  const python = await installPython(wanted, call, options);
  if (python.exitCode === 0) return await runUv(call, options);
  const missing = first.lastWords.split('\n').filter((line) => line !== '' && !line.startsWith('hint:'));
  const failure = `and downloading one failed: ${python.lastWords}`;
  return {
    ...first,
    lastWords: [...missing, failure].join('\n'),
    denied: [...first.denied, ...python.denied],
  };
}

function runUv(
  { request, args, cwd, folders, env, settings }: UvCall,
  options: InstallOptions,
): Promise<ToolResult> {
  const uv = requireUv(request, options);
  const pythons = findPythons(options);
  const sharedCache: WritablePlace = { path: join(options.cacheFolder, 'uv'), cacheDepth: CACHE_DEPTH };
  return runTool(
    {
      request,
      call: (place) => ({
        command: [uv, ...args],
        env: {
          ...uvEnvironment(settings, pythons, place.settings),
          ...env,
          // What a build writes into a cache, other packages would be installed from.
          UV_CACHE_DIR: options.allowScripts ? join(place.temporary, 'uv') : sharedCache.path,
          UV_PYTHON_DOWNLOADS: 'never',
          // Nothing is written when it runs, so what is not compiled now would be compiled at each start.
          UV_COMPILE_BYTECODE: '1',
        },
      }),
      cwd,
      home: settings.netrc === undefined ? {} : { '.netrc': settings.netrc },
      settings: settings.certificates.files,
      readOnlyPaths: [uv, pythons.managed, ...pythons.prefixes, ...settings.folders],
      writable: [...folders.map((path) => ({ path })), ...(options.allowScripts ? [] : [sharedCache])],
      reach: settings.reach,
    },
    options,
  );
}

function installPython(
  wanted: string | undefined,
  { request, settings }: UvCall,
  options: InstallOptions,
): Promise<ToolResult> {
  const uv = requireUv(request, options);
  const pythons = findPythons(options);
  return runTool(
    {
      request,
      call: (place) => ({
        command: [uv, 'python', 'install', '--no-bin', ...(wanted === undefined ? [] : ['--', wanted])],
        env: {
          ...uvEnvironment(settings, pythons, place.settings),
          UV_CACHE_DIR: join(place.temporary, 'uv'),
        },
      }),
      cwd: '/',
      settings: settings.certificates.files,
      readOnlyPaths: [uv],
      writable: [{ path: pythons.managed, cacheDepth: 1 }],
      reach: settings.reachForPython,
    },
    options,
  );
}

/** All settings that uv gets; it looks for no settings files, least of all in folders of projects. */
function uvEnvironment(
  { env, certificates }: PythonSettings,
  { managed, searchPath }: ReturnType<typeof findPythons>,
  place: string,
): Readonly<Record<string, string>> {
  return {
    ...certificates.env(place),
    ...env,
    PATH: searchPath,
    UV_NO_CONFIG: '1',
    UV_LINK_MODE: 'copy',
    UV_NO_PROGRESS: '1',
    UV_PYTHON_INSTALL_DIR: managed,
  };
}
