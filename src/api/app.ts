import { Hono } from 'hono';
import { getPath } from 'hono/utils/url';
import { createBackground } from '../platform/index.ts';
import { isUpdateCheckForbidden } from '../updates/index.ts';
import { addDocumentation } from './docs/documentation.ts';
import { authentication } from './pipeline/authentication.ts';
import { browserGuard } from './pipeline/browser-guard.ts';
import { answerFailure } from './pipeline/failures.ts';
import { frame } from './pipeline/frame.ts';
import type { ApiVariables } from './pipeline/time-limit.ts';
import { updateCheck } from './pipeline/update-check.ts';
import { addClientRoutes } from './routes/clients.ts';
import { addEventRoutes } from './routes/events.ts';
import { addGroupRoutes } from './routes/groups.ts';
import { addLaterRoutes } from './routes/later.ts';
import { addRegistryRoutes } from './routes/registry.ts';
import { addRegistryChangeRoutes } from './routes/registry-changes.ts';
import { addUpstreamRegistryRoutes } from './routes/registry-upstream.ts';
import { addSecretRoutes } from './routes/secrets.ts';
import { addSystemRoutes } from './routes/system.ts';
import { addTokenRoutes } from './routes/tokens.ts';
import { answerUnknown } from './routes/unknown.ts';
import { addUpgradeRoutes } from './routes/upgrades.ts';
import { addWorkloadActionRoutes } from './routes/workload-actions.ts';
import { addWorkloadFactRoutes } from './routes/workload-facts.ts';
import { addWorkloadLogRoutes } from './routes/workload-logs.ts';
import { addWorkloadRoutes } from './routes/workloads.ts';
import type { Api, ApiOptions } from './types.ts';

/** Paths that answer with one trailing slash as well (spec 10 §6.3). */
const ALSO_WITH_SLASH =
  /^\/(?:health|api\/v1beta\/(?:version|status|workloads|groups|clients|secrets|registry|discovery\/clients|secrets\/default(?:\/keys)?|registry\/[^/]+\/servers))\/$/;

export interface ApiServer {
  readonly app: Api;
  /** Waits for what goes on behind the answers. */
  drain(timeoutMs: number): Promise<void>;
}

/** The REST API (spec 10) over the services that the commands use. Listens nowhere: `app.request()` is enough to use it. */
export function createApi(options: ApiOptions): ApiServer {
  const { logger, tcp, authenticator, nonce, debug = false } = options;
  const app: Api = new Hono<ApiVariables>({
    getPath(request) {
      const path = getPath(request);
      return ALSO_WITH_SLASH.test(path) ? path.slice(0, -1) : path;
    },
  });
  const background = createBackground(logger);
  const routes = { ...options, background };

  app.onError(answerFailure(logger));
  app.use(frame({ logger, isLogging: debug }));
  if (!isUpdateCheckForbidden(options.env)) app.use(updateCheck(routes));
  app.use(async function tellNonce(c, next) {
    await next();
    // On every answer, so that a server is known by it whatever state it is in (spec 10 §20-5).
    if (c.req.path === '/health') c.res.headers.set('X-Toolhive-Nonce', nonce);
  });
  if (tcp !== undefined) app.use(browserGuard(tcp));
  app.use(authentication(authenticator));
  app.use(async function refuseHead(c, next) {
    // Not implied by GET here (spec 10 §6.3).
    return c.req.method === 'HEAD' ? c.notFound() : next();
  });

  addSystemRoutes(app, routes);
  addWorkloadActionRoutes(app, routes);
  addUpgradeRoutes(app, routes);
  addWorkloadRoutes(app, routes);
  addWorkloadFactRoutes(app, routes);
  addWorkloadLogRoutes(app, routes);
  addEventRoutes(app, routes);
  addGroupRoutes(app, routes);
  addClientRoutes(app, routes);
  addSecretRoutes(app, routes);
  addTokenRoutes(app, routes);
  addRegistryChangeRoutes(app, routes);
  addRegistryRoutes(app, routes);
  addUpstreamRegistryRoutes(app, routes);
  addLaterRoutes(app);
  if (options.openapi === true) addDocumentation(app);
  answerUnknown(app);
  return { app, drain: (timeoutMs) => background.drain(timeoutMs) };
}
