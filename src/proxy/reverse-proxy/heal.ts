import { messageOf } from '../../errors/index.ts';
import type { Logger } from '../../platform/index.ts';
import { notificationText } from '../json-rpc/index.ts';
import { type HeaderList, without } from './headers.ts';
import { peekAnswer } from './peek-answer.ts';
import type { ProxySession, ProxySessionTable } from './session-table.ts';
import type { Target } from './target.ts';
import { isRefused, type Upstream } from './upstream.ts';

/** Where and how the request came that found its session lost. */
export interface HealPlace {
  readonly origin: URL;
  readonly path: string;
  /** As the server gets them; those of the message itself are replaced. */
  readonly headers: HeaderList;
}

export interface Healer {
  /**
   * Makes the server know the session again, by replaying its `initialize`; once for all who ask at the same time.
   * `true`: it is worth sending again what was sent under `failedId`. Rejects when the connection is refused.
   */
  heal(session: ProxySession, failedId: string, place: HealPlace): Promise<boolean>;
}

export interface HealerDeps {
  readonly upstream: Upstream;
  readonly sessions: ProxySessionTable;
  readonly target: Target;
  readonly log: Logger;
}

const HANDSHAKE_MS = 30_000;
/** Headers that speak of another message than `initialize`. */
const OF_THE_REQUEST = [
  'accept',
  'accept-encoding',
  'content-length',
  'content-type',
  'last-event-id',
  'mcp-method',
  'mcp-name',
  'mcp-protocol-version',
  'mcp-session-id',
] as const;

export function createHealer({ upstream, sessions, target, log }: HealerDeps): Healer {
  async function replay(session: ProxySession, place: HealPlace): Promise<boolean> {
    const { life, moves } = target;
    const headers: HeaderList = [
      ...without(place.headers, OF_THE_REQUEST),
      ['content-type', 'application/json'],
      ['accept', 'application/json, text/event-stream'],
    ];
    const controller = new AbortController();
    const timer = setTimeout(() => controller.abort(), HANDSHAKE_MS);
    const post = (text: string, more: HeaderList = []) =>
      upstream({
        ...place,
        method: 'POST',
        headers: [...headers, ...more],
        body: Buffer.from(text),
        signal: controller.signal,
      });
    try {
      const response = await post(session.initialize);
      const backendId = response.headers.get('mcp-session-id');
      const { outcome, body } = await peekAnswer(response);
      if (body instanceof ReadableStream) await body.cancel();
      if (response.status !== 200 || !backendId || outcome === 'error') {
        log.warn('lost session cannot be healed', { status: response.status });
        return false;
      }
      sessions.setBackendId(session, backendId);
      session.life = life;
      session.moves = moves;
      const version = place.headers.filter(([name]) => name === 'mcp-protocol-version');
      const accepted = await post(notificationText('notifications/initialized'), [
        ['mcp-session-id', backendId],
        ...version,
      ]);
      await accepted.body?.cancel();
      log.debug('lost session healed', { status: accepted.status });
      return true;
    } catch (error) {
      if (isRefused(error)) throw error;
      log.warn('lost session cannot be healed', { error: messageOf(error) });
      return false;
    } finally {
      clearTimeout(timer);
    }
  }

  return {
    async heal(session, failedId, place) {
      if (session.healing === undefined) {
        if (session.backendId !== failedId) return true;
        if (session.initialize === '' || session.ended) return false;
        session.healing = replay(session, place).finally(() => {
          session.healing = undefined;
        });
      }
      return session.healing;
    },
  };
}
