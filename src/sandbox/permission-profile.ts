import { isAbsolute, resolve } from 'node:path';
import type { Logger } from '../platform/index.ts';
import type { PermissionProfile, RunConfig } from '../records/index.ts';
import { absoluteSource, isResource, parseMountDeclaration, volumeNameOf } from './mount-declaration.ts';
import type { Volume } from './volume.ts';

/** The profile of a server that nothing else was said about: any outbound traffic, no files (spec 02 §1.2). */
export function networkProfile(): PermissionProfile {
  return { name: 'network', network: { outbound: { insecure_allow_all: true }, inbound: {} } };
}

/** The profile that a workload runs under. */
export function profileOf({ permission_profile }: Pick<RunConfig, 'permission_profile'>): PermissionProfile {
  return permission_profile ?? networkProfile();
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
    const absolute = absoluteSource(source, cwd);
    return declaration.startsWith(absolute) ? declaration : `${absolute}:${target}`;
  } catch {
    return declaration; // the mount itself reports what is wrong
  }
}

/**
 * The profile with volumes appended to its `read` and `write` lists (spec 03 §6.1); a target that is mounted already is skipped
 * with a warning.
 */
export function withVolumes(
  profile: PermissionProfile,
  volumes: readonly Volume[],
  logger: Logger,
  cwd: string = process.cwd(),
): PermissionProfile {
  const read = [...(profile.read ?? [])];
  const write = [...(profile.write ?? [])];
  const taken = [...mountsOf(profile, logger, cwd), ...volumesOf(profile)];
  const targets = new Set(taken.map(({ target }) => target));
  for (const { source, target, readOnly } of volumes) {
    if (targets.has(target)) {
      logger.warn('Skipping duplicate mount target', { target });
      continue;
    }
    targets.add(target);
    (readOnly ? read : write).push(`${source}:${target}`);
  }
  return {
    ...profile,
    ...(read.length > 0 ? { read } : {}),
    ...(write.length > 0 ? { write } : {}),
  };
}

/** A named volume of the engine, which makes it when it is missing and keeps it when the workload goes. */
export interface NamedVolume {
  readonly name: string;
  readonly target: string;
  readonly readOnly: boolean;
}

/** The named volumes that a profile mounts; declarations that cannot be parsed are `mountsOf`'s to tell. */
export function volumesOf(profile: PermissionProfile): readonly NamedVolume[] {
  const volumes = new Map<string, NamedVolume>();
  for (const { declaration, readOnly } of grantsOf(profile)) {
    const mount = findVolume(declaration);
    if (mount === undefined) continue;
    const known = volumes.get(mount.target);
    volumes.set(mount.target, { ...mount, readOnly: (known?.readOnly ?? true) && readOnly });
  }
  return [...volumes.values()];
}

function findVolume(declaration: string): Omit<NamedVolume, 'readOnly'> | undefined {
  try {
    const { source, target } = parseMountDeclaration(declaration);
    const name = volumeNameOf(source);
    return name === undefined ? undefined : { name, target };
  } catch {
    return undefined;
  }
}

function grantsOf({ read, write }: PermissionProfile) {
  return [
    ...(read ?? []).map((declaration) => ({ declaration, readOnly: true })),
    ...(write ?? []).map((declaration) => ({ declaration, readOnly: false })),
  ];
}

export interface Mount {
  readonly source: string;
  readonly target: string;
  readonly readOnly: boolean;
}

/** From profile to bind mounts (spec 03 §5.5): bad and unsupported entries are skipped with a warning. Named volumes are apart, in `volumesOf`. */
export function mountsOf(
  profile: PermissionProfile,
  logger: Logger,
  cwd: string = process.cwd(),
): readonly Mount[] {
  const mounts = new Map<string, Mount>();
  for (const { declaration, readOnly } of grantsOf(profile)) {
    try {
      const { source, target } = parseMountDeclaration(declaration);
      if (volumeNameOf(source) !== undefined) continue; // `volumesOf`
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
