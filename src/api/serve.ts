import { randomBytes } from 'node:crypto';
import { ThvError, within } from '../errors/index.ts';
import { ensureDefaultGroup } from '../groups/index.ts';
import { isLoopbackHost } from '../net/index.ts';
import { isOidcOn, type OidcSettings, openAuthenticator } from '../oidc/index.ts';
import { aborted, type Logger, type Paths } from '../platform/index.ts';
import { migrateSecretScopes } from '../secrets/index.ts';
import type { WorkloadManager } from '../workloads/index.ts';
import { createApi } from './app.ts';
import { publishRecord, requireNoOtherServer } from './discovery/record.ts';
import {
  type ApiAddress,
  addressUrl,
  parseAddress,
  resolveAddress,
  type SocketMode,
  shownAddress,
} from './listen/address.ts';
import { listen } from './listen/listen.ts';

/** Requests in flight may finish within this time (spec 10 §5). */
const GRACE_MS = 30_000;
/** What goes on behind answers: containers stop within 30 s. */
const DRAIN_MS = 30_000;

interface ServeOptions {
  readonly host: string;
  /** 0 = any free port. */
  readonly port: number;
  /** Socket path or pipe name instead of host and port; '' for none. */
  readonly socket: string;
  readonly socketMode: SocketMode;
  readonly openapi: boolean;
  readonly oidc: OidcSettings;
  readonly debug: boolean;
  readonly version: string;
  /** In the reference's words: `linux/amd64`. */
  readonly platform: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly paths: Paths;
  readonly workloads: WorkloadManager;
  readonly logger: Logger;
  /** Ends the server. */
  readonly signal: AbortSignal;
}

const KINDS: Readonly<Record<ApiAddress['kind'], string>> = {
  tcp: 'HTTP',
  socket: 'UNIX socket',
  pipe: 'Windows named pipe',
};

/**
 * `thv serve` (spec 10 §2): resolves when `signal` has ended it and everything of it is gone. Throws what keeps it from
 * starting, with nothing left behind, and `ERR_TIMEOUT` when requests had to be cut off at the end.
 */
export async function serveApi(options: ServeOptions): Promise<void> {
  const { logger, paths, signal, oidc } = options;
  const nonce = randomBytes(16).toString('hex');
  const wanted = await within('failed to create listener', () => resolveAddress(parseAddress(options)));
  const isLoopback = wanted.kind === 'tcp' && isLoopbackHost(wanted.host);
  const authenticator = isOidcOn(oidc)
    ? await within('failed to build server handler: failed to create authentication middleware', () =>
        openAuthenticator(oidc, { env: options.env, logger }),
      )
    : undefined;
  // Before anything at the address is touched: it may belong to that server (spec 10 §20-2).
  await requireNoOtherServer(paths.state, logger);

  await ensureDefaultGroup(paths.state);
  // Before names are told: those of the program itself are not the user's (spec 09 §5.6).
  await migrateSecretScopes({ env: options.env, paths, logger });
  const shutdown = new AbortController();
  const { app, drain } = createApi({
    workloads: options.workloads,
    env: options.env,
    paths,
    logger,
    version: options.version,
    platform: options.platform,
    nonce,
    ...(wanted.kind === 'tcp' ? { tcp: { isLoopback } } : {}),
    authenticator,
    openapi: options.openapi,
    debug: options.debug,
    shutdown: shutdown.signal,
  });
  // A client that got an answer can find the record, so earlier requests wait until it is written.
  const published = Promise.withResolvers<void>();
  let answer = async (request: Request): Promise<Response> => {
    await published.promise;
    return await app.fetch(request);
  };
  const listener = await within('failed to create listener', () =>
    listen(wanted, (request) => answer(request)),
  );
  const { address } = listener;
  logger.info('starting server', { type: KINDS[address.kind], address: shownAddress(address) });
  warnOfOpenDoors(address, authenticator !== undefined, isLoopback, logger);

  let withdraw: (() => Promise<void>) | undefined;
  let isClean = false;
  try {
    withdraw = await publishRecord({
      stateFolder: paths.state,
      url: addressUrl(address),
      nonce,
      startedAt: new Date(),
      logger,
    });
    answer = async (request) => app.fetch(request);
    published.resolve();
    await aborted(signal);
  } finally {
    shutdown.abort();
    try {
      await withdraw?.();
    } finally {
      // Whatever became of the record, requests get their answers and the socket file goes (spec 10 §20-4).
      isClean = await listener.stop(withdraw === undefined ? 0 : GRACE_MS);
      await drain(DRAIN_MS);
    }
  }
  if (!isClean) {
    throw new ThvError('ERR_TIMEOUT', {
      reason: `server shutdown failed: requests were still under way after ${GRACE_MS / 1000} seconds`,
    });
  }
}

function warnOfOpenDoors(
  address: ApiAddress,
  isAuthenticated: boolean,
  isLoopback: boolean,
  logger: Logger,
): void {
  if (isAuthenticated) return;
  // On a socket, the user chose who may connect, so there is nothing to warn about.
  if (address.kind === 'socket') return;
  if (address.kind === 'tcp' && !isLoopback) {
    logger.warn(
      'anyone who can reach this address can manage your MCP servers: no authentication is configured',
      {
        address: shownAddress(address),
        remedy: 'give --oidc-issuer and --oidc-audience, or bind to 127.0.0.1',
      },
    );
  } else {
    logger.warn(
      'no authentication is configured: every program that can connect can manage your MCP servers',
    );
  }
}
