import { ThvError } from '../errors/index.ts';
import { homeOf } from '../platform/index.ts';
import { connectEngine, createEngine, PING_TIMEOUT_MS } from './create-engine.ts';
import { listCandidates } from './discovery/candidates.ts';
import { findOverride, type OverrideCandidate } from './discovery/overrides.ts';
import { type Attempt, type ProbeContext, probe } from './discovery/probe.ts';
import { noEngine } from './discovery/report.ts';
import type { HostFacts } from './discovery/types.ts';
import type { EngineIdentity } from './ping.ts';
import { isPipe } from './pipe-fetch.ts';
import type { Engine } from './types.ts';

interface OpenEngineOptions extends Partial<HostFacts> {
  /** What `--runtime` or `TOOLHIVE_RUNTIME` says; '' leaves it open. */
  readonly wanted: string;
  readonly signal?: AbortSignal | undefined;
}

/** Words that mean an engine. `docker` covers all who speak its API (spec 03 §1.1). */
const RUNTIMES = ['docker', 'podman'] as const;
type Runtime = (typeof RUNTIMES)[number];

/**
 * The first engine that answers, in the order of spec 03 §1.2. Throws `ERR_ENGINE_UNAVAILABLE` with every socket tried,
 * `ERR_INPUT_INVALID` for an unknown word.
 */
export async function openEngine(options: OpenEngineOptions): Promise<Engine> {
  const host: HostFacts = {
    env: options.env ?? process.env,
    platform: options.platform ?? process.platform,
    home: options.home ?? homeOf(process.env, process.platform),
  };
  const runtime = parseWanted(options.wanted);
  const override = findOverride(host);
  const candidates = override === undefined ? await listCandidates(host) : [override];
  const attempts: Attempt[] = [];
  for (const candidate of candidates) {
    const attempt = await probe(candidate, probeContext(host, options.signal));
    attempts.push(attempt);
    if (attempt.result === 'answered' && suits(attempt.identity, runtime)) {
      return createEngine(attempt.http, attempt.identity, host);
    }
  }
  throw override === undefined ? unavailable(attempts, runtime) : overrideFailed(override, attempts, runtime);
}

function parseWanted(wanted: string): Runtime | undefined {
  // Workloads that are processes never come here: a caller that opens an engine wants containers.
  if (['', 'auto', 'process'].includes(wanted)) return undefined;
  const runtime = RUNTIMES.find((known) => known === wanted);
  if (runtime !== undefined) return runtime;
  // Known to the reference; this program does not drive it (spec 03 §1.1).
  if (wanted === 'kubernetes') throw noEngine([], notAvailable(wanted));
  const reason = `runtime "${wanted}" not found. Available runtimes: ${RUNTIMES.join(', ')}, process`;
  throw new ThvError('ERR_INPUT_INVALID', { reason });
}

function notAvailable(runtime: string): string {
  return `runtime "${runtime}" is not available on this system`;
}

function suits(identity: EngineIdentity, runtime: Runtime | undefined): boolean {
  return runtime !== 'podman' || identity.kind === 'podman';
}

function unavailable(attempts: readonly Attempt[], runtime: Runtime | undefined): ThvError {
  return noEngine(attempts, runtime === undefined ? undefined : notAvailable(runtime));
}

/** A named socket that is not there is told by the name of what it was meant for (spec 03 §1.2, §1.3). */
function overrideFailed(
  override: OverrideCandidate,
  attempts: readonly Attempt[],
  runtime: Runtime | undefined,
): ThvError {
  const problem = attempts.map(invalidPath).find((text) => text !== undefined);
  if (problem === undefined) return unavailable(attempts, runtime);
  const reason = `invalid ${override.family} ${problem}`;
  return new ThvError(
    'ERR_ENGINE_UNAVAILABLE',
    { reason },
    { hint: `the path comes from ${override.origin}` },
  );
}

function invalidPath({ address, ...attempt }: Attempt): string | undefined {
  if (attempt.result === 'missing') return `socket path: stat ${address}: ${attempt.why}`;
  return attempt.result === 'failed' && isPipe(address) ? `pipe path: ${attempt.why}` : undefined;
}

function probeContext(host: HostFacts, signal: AbortSignal | undefined): ProbeContext {
  return { connect: connectEngine, platform: host.platform, timeoutMs: PING_TIMEOUT_MS, signal };
}
