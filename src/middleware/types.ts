import type { Logger } from '../platform/index.ts';
import type { Handler, RequestContext } from '../proxy/index.ts';

/** One step of the chain. It answers itself or hands on, the request as it came or another one. */
export type Middleware = (
  request: Request,
  context: RequestContext,
  next: Handler,
) => Response | Promise<Response>;

/** What a middleware may need besides its own parameters; known when the proxy starts. */
export interface MiddlewareDeps {
  readonly log: Logger;
  /** Address the proxy listens on. */
  readonly bindHost: string;
  readonly port: number;
  readonly trustProxyHeaders: boolean;
  /** For each `tools/call`; absent where nobody counts them. */
  readonly countToolCall?: (() => void) | undefined;
}

/** What the middlewares of one chain have in common. */
export interface ChainDeps extends MiddlewareDeps {
  /** Whether something further in reads messages; without it no body is parsed. */
  readonly readsMessages: boolean;
}

/** A stored entry of `middleware_configs` (spec 04 §12.1). */
export interface MiddlewareConfig {
  readonly type: string;
  readonly parameters?: unknown;
}

/** `undefined`: with these parameters there is nothing to do, and nothing in the way of a request. */
export type CreateMiddleware = (parameters: unknown, deps: ChainDeps) => Middleware | undefined;
