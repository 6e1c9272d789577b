import type { Identity } from '../oidc/index.ts';

/** What a caller wants to do, in the terms of policies (spec 05 §10). */
export interface AccessRequest {
  readonly identity: Identity | undefined;
  readonly feature: Feature;
  /** Name of the tool or prompt, URI of the resource. */
  readonly id: string;
  /** What a tool or a prompt is called with; absent where a list is filtered. */
  readonly arguments?: Readonly<Record<string, unknown>> | undefined;
  /** What the server last said about the tool; absent as long as that is not known. */
  readonly annotations?: ToolAnnotations | undefined;
}

export type Feature = 'tool' | 'prompt' | 'resource';

/** What is done with each kind: part of the request that a policy sees. */
export const OPERATIONS = { tool: 'call', prompt: 'get', resource: 'read' } as const;

/** The hints that a policy may go by; others are of no interest to it. */
export const HINTS = ['readOnlyHint', 'destructiveHint', 'idempotentHint', 'openWorldHint'] as const;
export type ToolAnnotations = Readonly<Partial<Record<(typeof HINTS)[number], boolean>>>;

export interface Verdict {
  readonly isAllowed: boolean;
  /** Ids of the policies that made the decision. */
  readonly policies: readonly string[];
  /** Why a policy could not be decided, for the log; any of them makes the answer no. */
  readonly errors: readonly string[];
}

/** Decides requests by one configuration. */
export interface Authorizer extends Disposable {
  /** Never throws: what cannot be decided is refused. */
  decide(request: AccessRequest): Verdict | Promise<Verdict>;
}

export function refusal(...errors: readonly string[]): Verdict {
  return { isAllowed: false, policies: [], errors };
}
