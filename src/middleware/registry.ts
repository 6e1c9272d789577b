import * as v from 'valibot';
import { ThvError } from '../errors/index.ts';
import { createBodyLimit } from './body-limit/body-limit.ts';
import { createHeaderForward } from './header-forward/header-forward.ts';
import { createMcpParser } from './mcp-parser/mcp-parser.ts';
import { createOrigin } from './origin/origin.ts';
import { parseParameters } from './parameters.ts';
import { createRecovery } from './recovery/recovery.ts';
import { createToolCallFilter } from './tool-filter/tool-call-filter.ts';
import { createToolFilter } from './tool-filter/tool-filter.ts';
import type { CreateMiddleware, Middleware, MiddlewareConfig, MiddlewareDeps } from './types.ts';
import { createUsageMetrics } from './usage-metrics/usage-metrics.ts';

interface MiddlewareType {
  readonly create: CreateMiddleware;
  /** Whether it goes by `context.body`, which `mcp-parser` fills in. */
  readonly readsMessages?: (deps: MiddlewareDeps) => boolean;
}

/**
 * Every type of middleware, outermost first: the one order for all ways to start (spec 04 §12.1, §19.8), whatever order
 * a stored chain has. A new type is one line here.
 */
const TYPES: ReadonlyMap<string, MiddlewareType> = new Map<string, MiddlewareType>([
  ['recovery', { create: createRecovery }],
  ['bodylimit', { create: createBodyLimit }],
  ['origin', { create: createOrigin }],
  // Stored by `thv run` with `{}`: nobody to authenticate.
  ['auth', { create: (parameters) => nothingToDo('auth', parameters) }],
  ['mcp-parser', { create: createMcpParser }],
  ['tool-filter', { create: createToolFilter, readsMessages: () => true }],
  ['tool-call-filter', { create: createToolCallFilter, readsMessages: () => true }],
  ['usagemetrics', { create: createUsageMetrics, readsMessages: (deps) => deps.countToolCall !== undefined }],
  ['header-forward', { create: createHeaderForward }],
]);

/** Part of every chain, stored or not; the first three are added by the proxy when it starts (spec 04 §12.1). */
const ALWAYS = ['recovery', 'bodylimit', 'origin', 'mcp-parser'] as const;

export interface ChainFacts extends MiddlewareDeps {
  /** The run config's own list, which replaces the defaults; empty for none. */
  readonly allowedOrigins: readonly string[];
  /** What requests to a remote server get, values resolved; wins over what a stored chain says. */
  readonly forwardHeaders?: Readonly<Record<string, string>> | undefined;
}

/**
 * The middlewares of one proxy, outermost first. Each type occurs once, the last entry of a stored chain winning, and
 * `origin` follows the present port and list rather than what was stored: building twice gives the same chain.
 * Throws `ERR_RUN_CONFIG_INVALID` for an unknown type or bad parameters.
 */
export function buildMiddlewares(stored: readonly MiddlewareConfig[], facts: ChainFacts): Middleware[] {
  const parameters = new Map<string, unknown>(ALWAYS.map((type) => [type, {}]));
  for (const { type, parameters: given } of stored) {
    if (!TYPES.has(type)) {
      throw new ThvError('ERR_RUN_CONFIG_INVALID', { reason: `unsupported middleware type: ${type}` });
    }
    parameters.set(type, given);
  }
  parameters.set('origin', { allowed_origins: facts.allowedOrigins });
  if (facts.forwardHeaders !== undefined) {
    const stored = parameters.get('header-forward') as { readonly add_headers?: object } | undefined;
    parameters.set('header-forward', { add_headers: { ...stored?.add_headers, ...facts.forwardHeaders } });
  }
  const wanted = [...TYPES].filter(([type]) => parameters.has(type));
  const deps = {
    ...facts,
    readsMessages: wanted.some(([, type]) => type.readsMessages?.(facts)),
  };
  return wanted.flatMap(([type, { create }]) => create(parameters.get(type), deps) ?? []);
}

/** Anything but `{}` asks for protection that is not there: refused, never skipped. */
function nothingToDo(type: string, parameters: unknown): undefined {
  parseParameters(type, v.strictObject({}), parameters);
}
