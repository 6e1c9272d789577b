import type { HostFacts, SocketCandidate } from './types.ts';

/** A socket the user named for this program; used alone, whatever becomes of it (spec 03 §1.2). */
export interface OverrideCandidate extends SocketCandidate {
  readonly family: 'Podman' | 'Docker' | 'Colima';
}

const OVERRIDES = [
  { variable: 'TOOLHIVE_PODMAN_SOCKET', family: 'Podman', onWindows: true },
  { variable: 'TOOLHIVE_DOCKER_SOCKET', family: 'Docker', onWindows: true },
  { variable: 'TOOLHIVE_COLIMA_SOCKET', family: 'Colima', onWindows: false },
] as const;

/** The first override that is set (spec 03 §1.2, §1.3). */
export function findOverride({ env, platform }: HostFacts): OverrideCandidate | undefined {
  for (const { variable, family, onWindows } of OVERRIDES) {
    const address = env[variable];
    if (address && (onWindows || platform !== 'win32')) return { address, origin: variable, family };
  }
  return undefined;
}
