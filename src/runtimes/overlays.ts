import { join } from 'node:path';
import type { Logger, Paths } from '../platform/index.ts';
import type { RunConfig, WorkloadName } from '../records/index.ts';
import { makeOverlays, mountsOf, networkProfile, type Overlay, overlayFolder } from '../sandbox/index.ts';

/** What lies over the workload's mounts from its next start on; looked up anew each time. Throws `ERR_OVERLAY_FAILED`. */
export function overlaysOf(
  name: WorkloadName,
  config: RunConfig,
  { paths, logger }: { readonly paths: Paths; readonly logger: Logger },
): Promise<readonly Overlay[]> {
  return makeOverlays(mountsOf(config.permission_profile ?? networkProfile(), logger), {
    ignore: config.ignore_config,
    globalFile: join(paths.config, 'thvignore'),
    folder: overlayFolder(paths.state, name),
    logger,
  });
}
