import { statSync } from 'node:fs';
import { isAbsolute, resolve } from 'node:path';
import { messageOf, ThvError } from '../errors/index.ts';
import type { Logger } from '../platform/index.ts';
import type { PermissionProfile } from '../records/index.ts';
import { isResource, type MountDeclaration, parseMountDeclaration } from './mount-declaration.ts';

/** The profile of a server that nothing else was said about: any outbound traffic, no files (spec 02 §1.2). */
export function networkProfile(): PermissionProfile {
  return { name: 'network', network: { outbound: { insecure_allow_all: true }, inbound: {} } };
}

export function withNetworkMode(profile: PermissionProfile, mode: string): PermissionProfile {
  if (mode === '') return profile;
  const { outbound, inbound, ...rest } = profile.network ?? {};
  return { ...profile, network: { ...rest, mode, outbound, inbound } };
}

/**
 * The profile with sources that do not depend on the working folder (spec 03 §5.5-3): its mounts are made by a process with
 * another one. What is no mount declaration stays as it is.
 */
export function withAbsoluteSources(
  profile: PermissionProfile,
  cwd: string = process.cwd(),
): PermissionProfile {
  const { read, write } = profile;
  return {
    ...profile,
    ...(read ? { read: read.map((entry) => withAbsoluteSource(entry, cwd)) } : {}),
    ...(write ? { write: write.map((entry) => withAbsoluteSource(entry, cwd)) } : {}),
  };
}

function withAbsoluteSource(declaration: string, cwd: string): string {
  try {
    const { source, target } = parseMountDeclaration(declaration);
    if (isResource(source) || isAbsolute(source)) return declaration;
    return `${resolve(cwd, source)}:${target}`;
  } catch {
    return declaration; // whoever mounts it says what is wrong
  }
}

/**
 * The profile with `--volume` entries appended to its `read` and `write` lists (spec 03 §6.1). Throws `ERR_INPUT_INVALID`
 * for a bad form and for a source that does not exist; a target that is mounted already is skipped with a warning.
 */
export function withVolumes(
  profile: PermissionProfile,
  volumes: readonly string[],
  logger: Logger,
  cwd: string = process.cwd(),
): PermissionProfile {
  const read = [...(profile.read ?? [])];
  const write = [...(profile.write ?? [])];
  const targets = new Set(mountsOf(profile, logger, cwd).map((mount) => mount.target));
  for (const volume of volumes) {
    const readOnly = volume.endsWith(':ro');
    const { source, target } = parseVolume(volume, readOnly ? volume.slice(0, -3) : volume);
    requireSource(source, cwd);
    if (targets.has(target)) {
      logger.warn('Skipping duplicate mount target', { target });
      continue;
    }
    targets.add(target);
    // Absolute, because the container is made by a process with another working folder.
    (readOnly ? read : write).push(`${resolve(cwd, source)}:${target}`);
  }
  return {
    ...profile,
    ...(read.length > 0 ? { read } : {}),
    ...(write.length > 0 ? { write } : {}),
  };
}

function parseVolume(volume: string, declaration: string): MountDeclaration {
  try {
    const mount = parseMountDeclaration(declaration);
    if (declaration === '') throw new ThvError('ERR_INPUT_INVALID', { reason: 'empty declaration' });
    if (!mount.target.startsWith('/')) {
      throw new ThvError('ERR_INPUT_INVALID', { reason: `container path must be absolute: ${mount.target}` });
    }
    return mount;
  } catch (error) {
    throw new ThvError(
      'ERR_INPUT_INVALID',
      { reason: `invalid volume format: ${volume} (${messageOf(error)})` },
      { cause: error },
    );
  }
}

function requireSource(source: string, cwd: string): void {
  const path = isResource(source) ? source : resolve(cwd, source);
  try {
    statSync(path);
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw new ThvError('ERR_INPUT_INVALID', {
      reason: missing
        ? `volume source path does not exist: ${path}`
        : `failed to access volume source path ${path}: ${messageOf(error)}`,
    });
  }
}

export interface Mount {
  readonly source: string;
  readonly target: string;
  readonly readOnly: boolean;
}

/** From profile to bind mounts (spec 03 §5.5): bad and unsupported entries are skipped with a warning. */
export function mountsOf(
  profile: PermissionProfile,
  logger: Logger,
  cwd: string = process.cwd(),
): readonly Mount[] {
  const mounts = new Map<string, Mount>();
  const entries = [
    ...(profile.read ?? []).map((declaration) => ({ declaration, readOnly: true })),
    ...(profile.write ?? []).map((declaration) => ({ declaration, readOnly: false })),
  ];
  for (const { declaration, readOnly } of entries) {
    try {
      const { source, target } = parseMountDeclaration(declaration);
      if (isResource(source)) {
        logger.warn('skipping resource URI mount, which container engines do not support', {
          mount: declaration,
        });
        continue;
      }
      const known = mounts.get(target);
      const path = isAbsolute(source) ? source : resolve(cwd, source);
      // A later write grant on the same target opens the mount that is there; it does not replace its source.
      mounts.set(target, {
        source: known?.source ?? path,
        target,
        readOnly: (known?.readOnly ?? true) && readOnly,
      });
    } catch (error) {
      logger.warn('skipping invalid mount declaration', { mount: declaration, error });
    }
  }
  return [...mounts.values()];
}

/** Modes under which the engine connects the container to the networks we name (spec 02 §1.2). */
export function isBridgeMode(mode: string): boolean {
  return mode === '' || mode === 'bridge' || mode === 'default';
}

export function networkModeOf(profile: PermissionProfile): string {
  return profile.network?.mode ?? '';
}
