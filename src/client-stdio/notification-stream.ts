import { messageOf } from '../errors/index.ts';
import { sleep } from '../platform/index.ts';
import type { Connection } from './connection.ts';
import { type Inbox, RESUME_MS, type StreamPosition } from './inbox.ts';
import type { StreamableSession } from './streamable-session.ts';
import type { UpstreamOptions } from './types.ts';

const MAX_RESUME_MS = 30_000;

interface StreamParts {
  readonly session: StreamableSession;
  readonly inbox: Inbox;
  readonly connection: Connection;
  readonly log: UpstreamOptions['log'];
}

/** Keeps the stream open for what belongs to no request; servers that have none say so, mostly with 405. */
export class NotificationStream {
  readonly #parts: StreamParts;
  #isStarted = false;

  constructor(parts: StreamParts) {
    this.#parts = parts;
  }

  /** Listens until the connection is closed, or the server has no such stream. Once only. */
  start(): void {
    if (this.#isStarted) return;
    this.#isStarted = true;
    void this.#keepListening();
  }

  async #keepListening(): Promise<void> {
    const { connection, log } = this.#parts;
    const position: StreamPosition = { lastId: undefined, waitMs: RESUME_MS };
    while (!connection.signal.aborted) {
      try {
        if (!(await this.#listen(position))) return;
      } catch (error) {
        connection.requestFailed(error);
        log.debug('stream for notifications ended', { error: messageOf(error) });
      }
      await sleep(Math.min(position.waitMs, MAX_RESUME_MS), connection.signal);
    }
  }

  /** One stream until its end, or one refusal. `false`: the server has no stream for us. */
  async #listen(position: StreamPosition): Promise<boolean> {
    const { session, inbox } = this.#parts;
    const response = await session.listen(position.lastId);
    const isStream = response.headers.get('content-type')?.startsWith('text/event-stream') === true;
    if (response.ok && isStream && response.body !== null) {
      position.waitMs = RESUME_MS;
      await inbox.takeStream(response.body, position);
      return true;
    }
    await response.body?.cancel();
    if (response.status < 500 && response.status !== 404) return false;
    if (response.status === 404 && !(await session.renew())) return false;
    position.waitMs = Math.min(position.waitMs * 2, MAX_RESUME_MS);
    return true;
  }
}
