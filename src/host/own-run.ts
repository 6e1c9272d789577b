import { conceal, hasCode, isShortage, messageOf, ThvError } from '../errors/index.ts';
import { type Logger, sleep } from '../platform/index.ts';
import { containerNameOf, type RunConfig } from '../records/index.ts';
import type { Backend, RunningServer, ServerEvent } from '../runtimes/index.ts';
import { sayLastWords } from './last-words.ts';
import type { ObservedStatus } from './observed-status.ts';
import { MAX_ATTEMPTS, restartDelayMs } from './restart-delay.ts';
import type { SecretValues } from './secret-values.ts';
import type { Server } from './server.ts';
import { serveLife } from './server-life.ts';
import { silenceMs } from './silence.ts';

interface OwnRunOptions {
  readonly config: RunConfig;
  readonly backend: Backend;
  readonly server: Server;
  /** Our own port, which readiness is asked over. */
  readonly url: string;
  /** What lets us in there, where tokens are asked for. */
  readonly authorization: string | undefined;
  readonly secretValues: SecretValues;
  readonly observed: ObservedStatus;
  readonly signal: AbortSignal;
  readonly logger: Logger;
  /** The server can be spoken to. `remark` says why its last life ended, where the user can do something about it; else ''. */
  readonly onReady: (remark: string) => Promise<void>;
}

/** How it came to its end. `ended`: `signal` aborted; `removed`: the workload was removed behind our back. */
type OwnRunEnd = 'ended' | 'removed';

/** What is known of one life of the server. */
interface Life {
  /** The server ran before this process came. */
  isTakeOver: boolean;
  /** It lived so long that its end says nothing about the next start. */
  wasStable: boolean;
}

const STABLE_MS = 30_000;
const ENGINE_RETRY_MS = 1000;
const LAST_SHORTAGE_DELAY_MS = 15_000;

/**
 * Starts a server that is ours, follows it and starts it again when it ends. Throws `ERR_CONTAINER_EXITED` when it does not stay up
 * after several attempts.
 */
export function followOwn(options: OwnRunOptions): Promise<OwnRunEnd> {
  return new OwnRun(options).follow();
}

/** The lives of one server, one after the other: started, followed, down, started again. */
class OwnRun {
  readonly #options: OwnRunOptions;
  /** Starts in a row without a stable life. */
  #attempt = 1;
  #isFirstLife = true;
  #life: Life = { isTakeOver: false, wasStable: false };
  /** How long the last life was, unless it was stable. */
  #lastLivedMs = 0;
  /** Why the last life ended, where the user can do something about it. */
  #remark = '';
  /** What the server printed before its last end, as the end of a sentence. */
  #said = '';

  constructor(options: OwnRunOptions) {
    this.#options = options;
  }

  async follow(): Promise<OwnRunEnd> {
    const { server, observed } = this.#options;
    for (;;) {
      this.#life = { isTakeOver: false, wasStable: false };
      const event = await this.#startAndServe();
      server.setDown();
      if (event === undefined) return 'ended';
      if (event.type === 'removed' || (await observed.isRemoved())) return 'removed';
      this.#isFirstLife = false;
      if (this.#life.wasStable || this.#life.isTakeOver) this.#attempt = 1;
      else await this.#untilNextAttempt();
    }
  }

  /** Makes the server run and serves it until it is down; waits for an engine that does not answer. `undefined`: ended. */
  async #startAndServe(): Promise<ServerEvent | undefined> {
    const { backend, secretValues, signal } = this.#options;
    let shortageDelayMs = ENGINE_RETRY_MS;
    while (!signal.aborted) {
      try {
        const environment = await secretValues();
        const startedAt = performance.now();
        const running = await backend.deploy(environment);
        const startMs = performance.now() - startedAt;
        const lastWords = async () => conceal(await running.lastWords(), Object.values(environment));
        // A deployment that waited for its engine ends later than the run.
        return signal.aborted ? undefined : await this.#serve({ ...running, lastWords }, startMs);
      } catch (error) {
        if (signal.aborted) return undefined;
        if (hasCode(error, 'ERR_CONTAINER_NOT_RUNNING')) return await this.#endedAtOnce(error.facts.reason);
        if (hasCode(error, 'ERR_ENGINE_UNAVAILABLE')) await this.#waitForEngine(error);
        else if (isShortage(error) || isEngineShortOfRoom(error)) {
          await this.#waitForRoom(error, shortageDelayMs);
          shortageDelayMs = Math.min(shortageDelayMs * 2, LAST_SHORTAGE_DELAY_MS);
        } else throw error;
      }
    }
    return undefined;
  }

  #serve(running: RunningServer, startMs: number): Promise<ServerEvent | undefined> {
    const { config, backend, server, url, authorization, observed, signal, logger, onReady } = this.#options;
    const isTakeOver = this.#isFirstLife && running.wasUp;
    this.#life.isTakeOver = isTakeOver;
    return serveLife(running, {
      config,
      noun: backend.noun,
      server,
      url,
      authorization,
      isTakeOver,
      silenceMs: silenceMs({ startMs, lastLivedMs: this.#lastLivedMs }),
      signal,
      logger,
      onReady: () => onReady(this.#remark),
      onStillServing: observed.confirm,
      onDown: (livedMs, event, lastWords) => this.#wentDown(livedMs, event, lastWords),
    });
  }

  async #wentDown(livedMs: number, event: ServerEvent, lastWords: string): Promise<void> {
    const { backend, observed } = this.#options;
    const limit = event.type === 'removed' ? undefined : event.limit;
    const wayOut = event.type === 'exited' ? event.wayOut : undefined;
    const cause = limit ?? wayOut;
    const wasStable = livedMs >= STABLE_MS;
    this.#life.wasStable = wasStable;
    this.#lastLivedMs = wasStable ? 0 : livedMs;
    this.#remark = limit === undefined ? '' : `restarted: the server was ended, ${limit}`;
    this.#said = `${cause === undefined ? '' : ` (${cause})`}${sayLastWords(lastWords)}`;
    const after = wasStable ? ' after stable run' : '';
    await observed.set('starting', `${backend.noun} exited${after}, restarting${this.#said}`);
  }

  /** It ended before it could be served. */
  async #endedAtOnce(detail: string): Promise<ServerEvent> {
    const { backend, secretValues, observed, logger } = this.#options;
    const secrets = Object.values(await secretValues());
    const lastLogs = conceal(await backend.lastWords(), secrets);
    this.#said = sayLastWords(lastLogs);
    await observed.set('starting', `${backend.noun} exited, restarting${this.#said}`);
    logger.warn(`${backend.noun.toLowerCase()} exited unexpectedly`, { event: 'exited', detail, lastLogs });
    return { type: 'exited', detail };
  }

  async #waitForEngine(error: ThvError): Promise<void> {
    const { observed, signal, logger } = this.#options;
    logger.warn('container engine does not answer, trying again', { error });
    await observed.set('starting', 'waiting for the container engine');
    await sleep(ENGINE_RETRY_MS, signal);
  }

  async #waitForRoom(error: unknown, delayMs: number): Promise<void> {
    const { observed, signal, logger } = this.#options;
    logger.warn('this machine has run short, trying again', { error: messageOf(error) });
    await observed.set('starting', `waiting for this machine to have room again: ${messageOf(error)}`);
    await sleep(delayMs, signal);
  }

  /** Waits before the server is started again. Throws `ERR_CONTAINER_EXITED` after the last attempt. */
  async #untilNextAttempt(): Promise<void> {
    const { config, backend } = this.#options;
    if (++this.#attempt > MAX_ATTEMPTS) {
      await backend.giveUp();
      throw new ThvError('ERR_CONTAINER_EXITED', {
        container: containerNameOf(config),
        reason: `${backend.noun.toLowerCase()} restart failed after ${MAX_ATTEMPTS} attempts${this.#said}`,
      });
    }
    await backend.untilUpAgain(restartDelayMs(this.#attempt));
  }
}

function isEngineShortOfRoom(error: unknown): boolean {
  return hasCode(error, 'ERR_ENGINE_REQUEST') && error.facts.refusal === 'no-space';
}
