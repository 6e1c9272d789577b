import { stat } from 'node:fs/promises';
import type { EngineHttp } from '../http.ts';
import { type EngineIdentity, pingEngine } from '../ping.ts';
import { describeSocketError, isPermissionError } from '../socket-error.ts';
import type { SocketCandidate } from './types.ts';

/** What came of one candidate. */
export type Attempt = SocketCandidate &
  (
    | { readonly result: 'answered'; readonly http: EngineHttp; readonly identity: EngineIdentity }
    | { readonly result: 'missing' | 'unusable'; readonly why: string }
    | { readonly result: 'failed'; readonly why: string; readonly isPermission: boolean }
  );

export interface ProbeContext {
  /** Opens nothing yet. */
  readonly connect: (address: string) => EngineHttp;
  readonly platform: NodeJS.Platform;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** A candidate counts when its path exists and `/_ping` answers (spec 03 §1.2). Throws only when `signal` gives up. */
export async function probe(candidate: SocketCandidate, context: ProbeContext): Promise<Attempt> {
  const { problem, address } = candidate;
  const failed = (why: string, isPermission: boolean): Attempt => ({
    ...candidate,
    result: 'failed',
    why,
    isPermission,
  });
  if (problem !== undefined) return { ...candidate, result: 'unusable', why: problem };
  try {
    // Windows pipes cannot be looked at without opening them.
    if (context.platform !== 'win32') await stat(address);
  } catch (error) {
    const why = describeSocketError(error);
    return isPermissionError(error) ? failed(why, true) : { ...candidate, result: 'missing', why };
  }
  const http = context.connect(address);
  const outcome = await pingEngine(http, context);
  if (outcome.result === 'failed') return failed(outcome.why, outcome.isPermission);
  return { ...candidate, result: 'answered', http, identity: outcome.identity };
}
