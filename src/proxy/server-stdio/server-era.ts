import {
  LEGACY_VERSIONS,
  META_CAPABILITIES,
  META_CLIENT,
  META_SERVER,
  META_VERSION,
  MODERN_VERSION,
} from '../era/index.ts';
import { resultText } from '../json-rpc/index.ts';
import type { Failure } from './failure.ts';
import type { Forwarder, Order, Outcome } from './forward.ts';
import type { Refusal } from './handshake.ts';
import { revisionsUpTo } from './revision.ts';

/**
 * Which revisions the process behind us speaks; found out once per process (spec 04 §19.3). It may speak those with a
 * handshake and the one without: each is learnt by itself, whichever was heard first.
 */
export interface ServerEra {
  /** Whether it serves modern requests. Asks it, for a few seconds at most, when nothing is known yet. */
  servesModern(): Promise<boolean | Failure>;
  /** Versions offered to a client that asks for another one. */
  supported(): readonly string[];
  /** What it said about itself without a handshake, as the answer to one; `undefined` when it cannot be told. */
  standInHandshake(refusal: Refusal, order: Order): Promise<string | undefined>;
  /** Whether the server told us that it speaks no revision that begins with `initialize`. */
  isModernOnly(): boolean;
  /** A handshake was made: servers exist that keep to the era of it, whatever they said before. */
  handshakeMade(): void;
  /** A process is there; what is known of another one is forgotten. */
  attached(identity: string): void;
}

export interface ServerEraOptions {
  readonly forwarder: Forwarder;
  /** The version of the handshake with the process, as long as there is one. */
  readonly handshakeVersion: () => string | undefined;
  /** Ends with the handshake that is under way, if one is. */
  readonly handshakeUnderWay: () => Promise<void> | undefined;
  readonly isDetached: () => boolean;
  /** How long `server/discover` is waited for; default 5 s. */
  readonly probeMs?: number;
}

const DEFAULT_PROBE_MS = 5000;

const DISCOVER_PARAMS = JSON.stringify({
  _meta: {
    [META_VERSION]: MODERN_VERSION,
    [META_CLIENT]: { name: 'toolhive', version: '1.0' },
    [META_CAPABILITIES]: {},
  },
});

export function createServerEra(options: ServerEraOptions): ServerEra {
  const { forwarder, handshakeVersion, isDetached, probeMs = DEFAULT_PROBE_MS } = options;
  let identity: string | undefined;
  /** What `server/discover` said: versions, none for a server that does not know the question. */
  let discovered: readonly string[] | undefined;
  /** The same, whole. */
  let facts: DiscoverFacts = {};
  let probe: Promise<Failure | undefined> | undefined;
  /** The question is out, and has not been answered in time: later requests do not wait again. */
  let isLate = false;
  /** A process ended at the question when it came ahead of a handshake. */
  let mayComeFirst = true;

  /** Resolves with a failure that says nothing about the server. */
  async function ask(order: Order): Promise<Failure | undefined> {
    const mine = identity;
    const outcome = await forwarder.ask('server/discover', DISCOVER_PARAMS, order);
    if (mine !== identity && mine !== undefined) return 'process-ended';
    probe = undefined;
    if (outcome.outcome === 'failed' && outcome.failure !== 'timeout') {
      if (outcome.failure === 'process-ended' && handshakeVersion() === undefined) mayComeFirst = false;
      return outcome.failure;
    }
    facts = factsIn(outcome);
    discovered = versionsIn(facts);
    return undefined;
  }

  function answer(): boolean | undefined {
    if (discovered?.includes(MODERN_VERSION) === true) return true;
    const isUnaskable = !mayComeFirst && handshakeVersion() === undefined;
    return discovered !== undefined || isLate || isUnaskable ? false : undefined;
  }

  function forget(): void {
    discovered = undefined;
    facts = {};
    probe = undefined;
    isLate = false;
  }

  /** What is found out while a handshake is under way may not be true after it. */
  async function servesModern(): Promise<boolean | Failure> {
    for (;;) {
      await options.handshakeUnderWay();
      const known = await findOut('queued');
      if (options.handshakeUnderWay() === undefined && (known !== true || answer() === true)) return known;
    }
  }

  async function findOut(order: Order): Promise<boolean | Failure> {
    const known = answer();
    if (known !== undefined) return known;
    probe ??= ask(order);
    const late = Promise.withResolvers<'late'>();
    const timer = setTimeout(() => late.resolve('late'), probeMs);
    const failure = await Promise.race([probe, late.promise]);
    clearTimeout(timer);
    if (failure === 'late') {
      if (isDetached()) return 'unavailable';
      // A slow server may still answer; what it says then counts.
      isLate = discovered === undefined;
    } else if (failure !== undefined) return failure;
    return answer() ?? false;
  }

  return {
    servesModern,
    supported() {
      const legacy = handshakeVersion();
      const known = discovered ?? [];
      if (legacy === undefined) return known.length === 0 ? [MODERN_VERSION, ...LEGACY_VERSIONS] : known;
      return [...new Set([MODERN_VERSION, ...known, ...revisionsUpTo(legacy)])];
    },
    async standInHandshake(refusal, order) {
      if ((await findOut(order)) !== true) return undefined;
      const { instructions } = facts;
      const capabilities =
        refusal === 'repeated' ? (facts.capabilities ?? {}) : withoutStreams(facts.capabilities);
      const serverInfo = facts.serverInfo ?? facts._meta?.[META_SERVER] ?? { name: 'unknown', version: '' };
      const [protocolVersion] = LEGACY_VERSIONS;
      return resultText('0', JSON.stringify({ protocolVersion, capabilities, serverInfo, instructions }));
    },
    isModernOnly: () =>
      discovered?.includes(MODERN_VERSION) === true &&
      handshakeVersion() === undefined &&
      !discovered.some((version) => LEGACY_VERSIONS.includes(version)),
    handshakeMade() {
      // What does not know the question will not know it then.
      if (discovered?.includes(MODERN_VERSION) === true) forget();
    },
    attached(next) {
      if (identity === next) return;
      // The first process may have been asked before it was there.
      if (identity !== undefined) forget();
      isLate = false;
      identity = next;
    },
  };
}

/** Without what only clients of the revision without a handshake can use, by way of `subscriptions/listen`. */
function withoutStreams(capabilities: unknown): unknown {
  return JSON.parse(
    JSON.stringify(capabilities ?? {}, (name, value) =>
      name === 'listChanged' || name === 'subscribe' ? undefined : value,
    ),
  );
}

interface DiscoverFacts {
  readonly supportedVersions?: unknown;
  readonly capabilities?: unknown;
  readonly instructions?: unknown;
  readonly serverInfo?: unknown;
  readonly _meta?: Readonly<Record<string, unknown>>;
}

/** A result names versions, so does -32022; everything else is what servers say that never heard of the method. */
function factsIn(outcome: Outcome): DiscoverFacts {
  if (outcome.outcome === 'failed') return {};
  const { result, error } = JSON.parse(outcome.text);
  return outcome.outcome === 'result' ? (result ?? {}) : { supportedVersions: error?.data?.supported };
}

function versionsIn({ supportedVersions }: DiscoverFacts): readonly string[] {
  if (!Array.isArray(supportedVersions)) return [];
  return supportedVersions.filter((version) => typeof version === 'string');
}
