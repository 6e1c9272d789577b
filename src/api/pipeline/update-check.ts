import type { Context, MiddlewareHandler } from 'hono';
import { createConfigStore } from '../../config/index.ts';
import { messageOf } from '../../errors/index.ts';
import { findUpdate } from '../../updates/index.ts';
import type { RouteOptions } from '../types.ts';

/** Whether an endpoint was named since is looked at no more often than the endpoint is asked (spec 09 §9.1). */
const BETWEEN_LOOKS_MS = 30 * 60_000;

interface Asker {
  readonly component: 'API' | 'UI';
  readonly version: string;
  readonly isRelease?: boolean;
}

/**
 * Checks for a newer version in the background of a request, which does not wait for it (spec 10 §6.1). Every request may trigger
 * a check. Nothing is asked unless the user named an endpoint. Failures are warnings.
 */
export function updateCheck(options: RouteOptions): MiddlewareHandler {
  const { background, logger } = options;
  const lookedAt = new Map<Asker['component'], number>();
  return async function checkForUpdates(c, next) {
    const asker = askerOf(c, options.version);
    const now = performance.now();
    if (now - (lookedAt.get(asker.component) ?? Number.NEGATIVE_INFINITY) >= BETWEEN_LOOKS_MS) {
      lookedAt.set(asker.component, now);
      background.run('update check', async () => {
        try {
          await look(asker, options);
        } catch (error) {
          if (!options.shutdown.aborted)
            logger.warn('could not check for updates', { error: messageOf(error) });
        }
      });
    }
    return next();
  };
}

async function look(asker: Asker, { paths, platform, shutdown, logger }: RouteOptions): Promise<void> {
  const { update_check_url: url } = await createConfigStore(paths).read();
  if (!url) return;
  const stop = new AbortController();
  const end = () => stop.abort();
  shutdown.addEventListener('abort', end);
  try {
    const latest = await findUpdate({ ...asker, url, paths, platform, signal: stop.signal });
    if (latest !== undefined && asker.component === 'API')
      logger.info('a new version of ToolHive is available', { latest, running: asker.version });
  } finally {
    // Listeners left on a long-lived signal are never freed.
    shutdown.removeEventListener('abort', end);
  }
}

/** The desktop program speaks for itself; everybody else is answered for by this server. */
function askerOf(c: Context, version: string): Asker {
  if (c.req.header('x-client-type') !== 'toolhive-studio') return { component: 'API', version };
  const told = c.req.header('x-client-version') ?? '';
  return {
    component: 'UI',
    version: /^[\w.+-]{1,64}$/.test(told) ? told : version,
    isRelease: c.req.header('x-client-release-build') === 'true',
  };
}
