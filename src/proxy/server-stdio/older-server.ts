import {
  LEGACY_VERSIONS,
  META_CAPABILITIES,
  META_CLIENT,
  META_SERVER,
  MODERN_VERSION,
} from '../era/index.ts';
import {
  errorCode,
  errorText,
  INTERNAL_ERROR,
  METHOD_NOT_FOUND,
  type Request,
  readMessage,
  requestText,
  resultText,
} from '../json-rpc/index.ts';
import type { Failure } from './failure.ts';
import type { Handshake } from './handshake.ts';
import { createListeners, type Listeners } from './listeners.ts';
import type { LogLevels } from './log-level.ts';
import type { PostReply } from './post-reply.ts';
import type { Reply } from './reply.ts';
import { revisionsUpTo } from './revision.ts';
import type { Round } from './round.ts';
import type { Rounds } from './rounds.ts';
import { LISTEN, type Taken } from './router.ts';
import type { Subscriptions } from './subscriptions.ts';

/**
 * Serves clients of 2026-07-28 from a server that speaks with a handshake, because it knows nothing else or was spoken to so first
 * (spec 04 §19.3). What their revision has and the server's has not is done here.
 */
export interface OlderServer {
  /** Makes the handshake, unless there is one. Gives why there is none: a failure, or the server's refusal with the client's id. */
  prepare(
    request: Request,
  ): Promise<{ readonly failure: Failure } | { readonly refusal: string } | undefined>;
  request(request: Request, wantedLogs: string | undefined, reply: PostReply): Taken;
  readonly tell: Listeners['tell'];
}

export interface OlderServerParts {
  readonly handshake: Handshake;
  readonly rounds: Rounds;
  readonly subscriptions: Subscriptions;
  readonly levels: LogLevels;
  /** Hands the request to the process. */
  readonly forward: (request: Request, wantsLogs: boolean, reply: Round) => Taken;
}

/** Methods of earlier revisions that 2026-07-28 does not have. */
const GONE: ReadonlySet<string> = new Set([
  'ping',
  'logging/setLevel',
  'resources/subscribe',
  'resources/unsubscribe',
]);

export function createOlderServer(parts: OlderServerParts): OlderServer {
  const { handshake, rounds, subscriptions, levels, forward } = parts;
  const listeners = createListeners(subscriptions);

  function discover(): string {
    const { capabilities, serverInfo, instructions } = resultOf(handshake.answer());
    return JSON.stringify({
      resultType: 'complete',
      supportedVersions: [MODERN_VERSION, ...revisionsUpTo(handshake.version() ?? '')],
      capabilities: capabilities ?? {},
      instructions,
      ttlMs: 0,
      cacheScope: 'private',
      _meta: { [META_SERVER]: serverInfo },
    });
  }

  function capabilities(): Readonly<Record<string, unknown>> {
    return objectIn(resultOf(handshake.answer()).capabilities);
  }

  return {
    prepare(request) {
      if (handshake.version() !== undefined) return Promise.resolve(undefined);
      const { promise, resolve } = Promise.withResolvers<Awaited<ReturnType<OlderServer['prepare']>>>();
      let isMade = false;
      const id = request.text.slice(request.id.start, request.id.end);
      const unusable = errorText(
        id,
        INTERNAL_ERROR,
        'The MCP server did not answer the handshake as it should',
      );
      const reply: Reply = {
        answer: (text) =>
          resolve(isMade ? undefined : { refusal: errorCode(text) === undefined ? unusable : text }),
        fail: (failure) => resolve({ failure }),
        interim: () => false,
        linger() {},
      };
      handshake.join(initializeFor(request), reply, () => {
        isMade = true;
        handshake.initialized();
      });
      return promise;
    },
    request(request, wantedLogs, reply) {
      const id = request.text.slice(request.id.start, request.id.end);
      if (request.method === 'server/discover') reply.answer(resultText(id, discover()));
      else if (request.method === LISTEN) listeners.open(request, reply, capabilities());
      else if (GONE.has(request.method)) reply.answer(errorText(id, METHOD_NOT_FOUND, 'Method not found'));
      else if (!rounds.resume(request, reply)) {
        if (wantedLogs !== undefined && 'logging' in capabilities()) levels.raise(wantedLogs);
        const round = rounds.begin(request, reply, objectIn(metaOf(request)[META_CAPABILITIES]));
        return forward(request, wantedLogs !== undefined, round);
      }
      return 'accepted';
    },
    tell: listeners.tell,
  };
}

/** The handshake that a client of 2026-07-28 would have made. */
function initializeFor(request: Request): Request {
  const { [META_CLIENT]: clientInfo, [META_CAPABILITIES]: capabilities } = metaOf(request);
  const params = {
    protocolVersion: LEGACY_VERSIONS[0],
    capabilities: objectIn(capabilities),
    clientInfo: clientInfo ?? { name: 'toolhive', version: '1.0' },
  };
  const id = request.text.slice(request.id.start, request.id.end);
  const message = readMessage(requestText(id, 'initialize', JSON.stringify(params)));
  return message?.kind === 'request' ? message : request;
}

function metaOf({ text, meta }: Request): Readonly<Record<string, unknown>> {
  return meta === undefined ? {} : objectIn(JSON.parse(text.slice(meta.start, meta.end)));
}

interface InitializeResult {
  readonly capabilities?: unknown;
  readonly serverInfo?: unknown;
  readonly instructions?: unknown;
}

function resultOf(answer: string | undefined): InitializeResult {
  return answer === undefined ? {} : objectIn(JSON.parse(answer).result);
}

function objectIn(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}
