import type { Outcome } from '../audit/index.ts';
import type { Identity } from '../oidc/index.ts';
import type { Logger } from '../platform/index.ts';
import type { Handler, RequestContext } from '../proxy/index.ts';
import type { ToolLock } from '../tool-lock/index.ts';

/** One step of the chain. It answers itself or hands on, the request as it came or another one. */
export type Middleware = (
  request: Request,
  context: RequestContext,
  next: Handler,
) => Response | Promise<Response>;

/** What middlewares use besides their own parameters and do not own; opened once per run, before the chain. */
export interface Services {
  readonly log: Logger;
  /** Name of the workload that the proxy is of. */
  readonly workload: string;
  /** Variables of the run; among them the proxies that others are reached through. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Unix milliseconds. */
  readonly clock: () => number;
  readonly proxy: ProxyFacts;
  /** The tools of the workload as they were approved; throws for a lock that cannot be read. Absent where none is asked for. */
  readonly readToolLock?: (() => ToolLock | undefined) | undefined;
  /** Who is let in; absent where no token is asked for. */
  readonly callers?: Callers | undefined;
  /** Called for each `tools/call`; absent where nobody counts them. */
  readonly countToolCall?: (() => void) | undefined;
  /** The value of a secret, of the user's own or of those that the program keeps for workloads. Throws what the store throws. */
  readonly findSecret?: ((name: string, view: 'user' | 'workloads') => Promise<string>) | undefined;
  /** Where a text of the proxy's own goes: the log of the workload, the terminal of one in the foreground. `false`: it is lost. */
  readonly writeOut?: ((text: string) => boolean) | undefined;
}

/** Where middlewares tell the audit log what neither the request nor its answer shows. */
export interface AuditReporter {
  /** Adds to the event of the request that is under way. */
  note(context: RequestContext, note: AuditNote): void;
  /** Logs an event besides that of the request. */
  report(context: RequestContext, event: ReportedEvent): void;
}

export interface AuditNote {
  /** Takes the place of what the status says. */
  readonly outcome?: Outcome;
  /** Members of `metadata.extra`: small, and no secrets. */
  readonly extra?: Readonly<Record<string, unknown>>;
}

interface ReportedEvent {
  /** One of those in spec 05 §16.2. */
  readonly type: string;
  readonly outcome: Outcome;
  readonly target: Readonly<Record<string, string>>;
  readonly extra?: Readonly<Record<string, unknown>>;
}

/** Judges those who call a workload by what they bring. */
export interface Callers {
  /** Who sends a request, or the answer that refuses it; no promise for a token that was found good a moment ago. */
  admit(authorization: string | null): Identity | Response | Promise<Identity | Response>;
  /** Whether some callers may use a part of the tools only. */
  readonly limitsTools: boolean;
  /** Calls `end` once the identity is not let in any more; gives what stops the watch. `undefined`: never before its token ends. */
  watch(identity: Identity, end: () => void): (() => void) | undefined;
}

/** The proxy that the chain stands in. */
interface ProxyFacts {
  /** Address that it listens on. */
  readonly bindHost: string;
  readonly port: number;
  readonly trustProxyHeaders: boolean;
  /** The run config's own list, which replaces the defaults; empty for none. */
  readonly allowedOrigins: readonly string[];
}

/** What one middleware leaves in the request context for those further in. */
export type ContextFact = 'identity' | 'message';

/** Services as the middlewares of one chain get them. */
export interface ChainServices extends Services {
  /** What the chain's middlewares go by. Who provides something else stays out of the way of requests. */
  readonly reads: ReadonlySet<ContextFact>;
  /** Absent where nothing is audited. */
  readonly audit?: (AuditReporter & { readonly middleware: Middleware }) | undefined;
}

/** A stored entry of `middleware_configs` (spec 04 §12.1). */
export interface MiddlewareConfig {
  readonly type: string;
  readonly parameters?: unknown;
}

/**
 * Makes a middleware from its stored parameters. What it opens goes into `resources`, which is disposed once the port is
 * closed. `undefined`: with these parameters there is nothing to do, and nothing in the way of a request.
 */
export type CreateMiddleware = (
  parameters: unknown,
  services: ChainServices,
  resources: AsyncDisposableStack,
) => Middleware | undefined | Promise<Middleware | undefined>;
