/** The chain of those who act for somebody (RFC 8693 §4.1), outermost first; as audit and webhooks tell it (spec 05 §16.4). */
export interface Delegation {
  readonly chain: readonly Actor[];
  /** There were more than are told. */
  readonly truncated: boolean;
  readonly omitted: number;
  readonly malformed: boolean;
  readonly malformedReason?: MalformedReason;
}

interface Actor {
  readonly iss?: string;
  readonly sub?: string;
}

type MalformedReason = 'act_not_object' | 'nested_act_not_object' | 'iss_not_string' | 'sub_not_string';

const USUAL_DEPTH = 10;

/** `undefined` for a token without an `act` claim. Never throws: a malformed chain is told as far as it can be read. */
export function readDelegation(act: unknown, maxDepth = USUAL_DEPTH): Delegation | undefined {
  if (act === undefined || act === null) return undefined;
  const chain: Actor[] = [];
  let depth = 0;
  let reason: MalformedReason | undefined;
  for (let actor: unknown = act; actor !== undefined && actor !== null; depth++) {
    if (typeof actor !== 'object' || Array.isArray(actor)) {
      reason ??= depth === 0 ? 'act_not_object' : 'nested_act_not_object';
      break;
    }
    const { iss, sub, act: next } = actor as Readonly<Record<string, unknown>>;
    if (iss !== undefined && typeof iss !== 'string') reason ??= 'iss_not_string';
    if (sub !== undefined && typeof sub !== 'string') reason ??= 'sub_not_string';
    if (depth < maxDepth)
      chain.push({
        ...(typeof iss === 'string' ? { iss } : {}),
        ...(typeof sub === 'string' ? { sub } : {}),
      });
    actor = next;
  }
  return {
    chain,
    truncated: depth > chain.length,
    omitted: depth - chain.length,
    malformed: reason !== undefined,
    ...(reason === undefined ? {} : { malformedReason: reason }),
  };
}
