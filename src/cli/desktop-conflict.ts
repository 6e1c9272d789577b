import { readFileSync, realpathSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { ThvError } from '../errors/index.ts';
import type { Environment } from './command.ts';

/** `~/.toolhive/.cli-source`, written by the desktop application that brings its own executable (spec 01 §2.4). */
interface Marker {
  readonly target: string;
  readonly desktopVersion: string | undefined;
}

interface Facts {
  readonly env: Environment;
  readonly platform: NodeJS.Platform;
  /** Resolved path of the running program. */
  readonly executable: string;
  /** Content of the marker file. */
  readonly marker: string;
  /** Follows symbolic links; `undefined` when there is no such file. */
  readonly resolve: (path: string) => string | undefined;
}

/** Throws `ERR_DESKTOP_CONFLICT` when the desktop application manages another executable than the running one. */
export function checkDesktopConflict(
  env: Environment,
  home: string | undefined = env['HOME'],
  executable: string = process.execPath,
  platform: NodeJS.Platform = process.platform,
): void {
  let folder: string;
  let marker: string;
  try {
    folder = join(home || homedir(), '.toolhive');
    marker = readFileSync(join(folder, '.cli-source'), 'utf8');
  } catch {
    return; // no readable marker or no home folder, no desktop application
  }
  const own = findRealPath(executable) ?? executable;
  const conflict = findDesktopConflict({ env, platform, executable: own, marker, resolve: findRealPath });
  if (conflict === undefined) return;
  throw new ThvError('ERR_DESKTOP_CONFLICT', {
    executable: own,
    managed: conflict.target,
    folder: join(folder, 'bin'),
    desktopVersion: conflict.desktopVersion,
  });
}

/** The marker when it points to an existing executable that is not ours; any doubt means no conflict. */
export function findDesktopConflict({
  env,
  platform,
  executable,
  marker,
  resolve,
}: Facts): Marker | undefined {
  if (['1', 'true'].includes(env['TOOLHIVE_SKIP_DESKTOP_CHECK']?.trim().toLowerCase() ?? ''))
    return undefined;
  const parsed = parseMarker(marker, env, platform);
  const target = parsed === undefined ? undefined : resolve(parsed.target);
  if (parsed === undefined || target === undefined) return undefined;
  const ignoresCase = platform === 'darwin' || platform === 'win32';
  const [ours, theirs] = ignoresCase
    ? [executable.toLowerCase(), target.toLowerCase()]
    : [executable, target];
  return ours === theirs ? undefined : { ...parsed, target };
}

function parseMarker(text: string, env: Environment, platform: NodeJS.Platform): Marker | undefined {
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch {
    return undefined; // an invalid marker is no marker (spec 01 §2.4)
  }
  if (typeof raw !== 'object' || raw === null) return undefined;
  const fields = new Map<string, unknown>(Object.entries(raw));
  if (fields.get('schema_version') !== 1 || fields.get('source') !== 'desktop') return undefined;
  const target = targetOf(fields, env, platform);
  if (target === undefined) return undefined;
  const desktopVersion = fields.get('desktop_version');
  return {
    target,
    desktopVersion: typeof desktopVersion === 'string' && desktopVersion !== '' ? desktopVersion : undefined,
  };
}

function targetOf(
  fields: ReadonlyMap<string, unknown>,
  env: Environment,
  platform: NodeJS.Platform,
): string | undefined {
  const path = (key: string) => {
    const value = fields.get(key);
    return typeof value === 'string' && value !== '' ? value : undefined;
  };
  switch (fields.get('install_method')) {
    case 'symlink':
      return path('symlink_target');
    case 'flatpak':
      return path('flatpak_target');
    case 'copy': {
      const local = env['LOCALAPPDATA'];
      return platform === 'win32' && local ? join(local, 'ToolHive', 'bin', 'thv.exe') : undefined;
    }
    default:
      return undefined;
  }
}

function findRealPath(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined; // the caller only asks whether it exists
  }
}
