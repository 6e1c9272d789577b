import { join } from 'node:path';
import type { Logger, Paths } from '../platform/index.ts';
import type { RunConfig, WorkloadName } from '../records/index.ts';
import { makeOverlays, mountsOf, type Overlay, overlayFolder, profileOf } from '../sandbox/index.ts';

/** What lies over the workload's mounts from its next start on; looked up again each time. Throws `ERR_OVERLAY_FAILED`. */
export function overlaysOf(
  name: WorkloadName,
  config: RunConfig,
  { paths, logger }: { readonly paths: Paths; readonly logger: Logger },
): Promise<readonly Overlay[]> {
  return makeOverlays(mountsOf(profileOf(config), logger), {
    ignore: config.ignore_config,
    globalFile: join(paths.config, 'thvignore'),
    folder: overlayFolder(paths.state, name),
    logger,
  });
}
