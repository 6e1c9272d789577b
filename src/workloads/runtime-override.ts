import type { RunRequest } from './types.ts';

export type RuntimeFlags = Pick<RunRequest, 'runtimeImage' | 'runtimePackages' | 'buildWith'>;

/** Flags as `runtime_config` spells them; `undefined` when none was given. */
export function runtimeOverride({ runtimeImage, runtimePackages, buildWith }: RuntimeFlags) {
  if (runtimeImage === undefined && runtimePackages.length === 0 && buildWith.length === 0) return undefined;
  return {
    ...(runtimeImage === undefined ? {} : { builder_image: runtimeImage }),
    ...(runtimePackages.length === 0 ? {} : { additional_packages: [...runtimePackages] }),
    ...(buildWith.length === 0 ? {} : { build_with: [...buildWith] }),
  };
}
