import { ThvError } from '../errors/index.ts';
import { createAuth } from './auth/auth.ts';
import { createBodyLimit } from './body-limit/body-limit.ts';
import { HEADER_FORWARD } from './header-forward/stored-headers.ts';
import { createMcpParser } from './mcp-parser/mcp-parser.ts';
import { createOrigin } from './origin/origin.ts';
import { createRecovery } from './recovery/recovery.ts';
import { createToolCallFilter } from './tool-filter/tool-call-filter.ts';
import { createToolFilter } from './tool-filter/tool-filter.ts';
import { LIMITS_ONLY } from './tool-filter/tool-rules.ts';
import type {
  ChainServices,
  ContextFact,
  CreateMiddleware,
  Middleware,
  MiddlewareConfig,
  Services,
} from './types.ts';
import { createUsageMetrics } from './usage-metrics/usage-metrics.ts';

interface MiddlewareType {
  readonly create: CreateMiddleware;
  /** What it goes by in the request context. */
  readonly reads?: (services: Services) => readonly ContextFact[];
}

/**
 * Every type of middleware, outermost first: the one order for all ways to start (spec 04 §12.1, §19.8), whatever order
 * a stored chain has. A new type is one line here.
 */
const TYPES: ReadonlyMap<string, MiddlewareType> = new Map<string, MiddlewareType>([
  ['recovery', { create: createRecovery }],
  ['bodylimit', { create: createBodyLimit }],
  ['origin', { create: createOrigin }],
  // Opened ahead of the others, which report to it.
  ['audit', { create: (_, { audit }) => audit?.middleware, reads: () => ['identity', 'message'] }],
  ['auth', { create: createAuth }],
  [
    'tokenexchange',
    {
      create: async (parameters, services) =>
        (await import('./token-exchange/token-exchange.ts')).createTokenExchange(parameters, services),
      reads: () => ['identity'],
    },
  ],
  ['mcp-parser', { create: createMcpParser }],
  ['tool-filter', { create: createToolFilter, reads: () => ['message'] }],
  ['tool-call-filter', { create: createToolCallFilter, reads: () => ['message'] }],
  [
    'usagemetrics',
    {
      create: createUsageMetrics,
      reads: ({ countToolCall }) => (countToolCall === undefined ? [] : ['message']),
    },
  ],
  [
    'ratelimit',
    {
      create: async (parameters, services, resources) =>
        (await import('./rate-limit/rate-limit.ts')).createRateLimit(parameters, services, resources),
      reads: () => ['message', 'identity'],
    },
  ],
  [
    'mutating-webhook',
    {
      create: async (parameters, services) =>
        (await import('./webhooks/webhooks.ts')).createMutatingWebhooks(parameters, services),
      reads: () => ['message', 'identity'],
    },
  ],
  [
    'validating-webhook',
    {
      create: async (parameters, services) =>
        (await import('./webhooks/webhooks.ts')).createValidatingWebhooks(parameters, services),
      reads: () => ['message', 'identity'],
    },
  ],
  [
    'authorization',
    {
      // Only where policies are does anything of it have to be in memory.
      create: async (...chain) =>
        (await import('./authorization/authorization.ts')).createAuthorization(...chain),
      reads: () => ['message', 'identity'],
    },
  ],
  [
    'tool-lock',
    {
      create: async (parameters, given) =>
        (await import('./tool-lock/tool-lock.ts')).createToolLock(parameters, given),
      reads: () => ['message'],
    },
  ],
]);

/** Part of every chain, stored or not; the first three are added by the proxy when it starts (spec 04 §12.1). */
const ALWAYS = ['recovery', 'bodylimit', 'origin', 'auth', 'mcp-parser'] as const;

/**
 * Opens the middlewares of one proxy, outermost first. Each type occurs once, and the last entry of a stored chain wins:
 * opening twice gives the same chain. Throws `ERR_RUN_CONFIG_INVALID` for an unknown type or bad parameters; the
 * caller then disposes of `resources`.
 */
export async function openMiddlewares(
  stored: readonly MiddlewareConfig[],
  services: Services,
  resources: AsyncDisposableStack,
): Promise<Middleware[]> {
  const limits = services.callers?.limitsTools === true ? (['tool-filter', 'tool-call-filter'] as const) : [];
  const parameters = new Map<string, unknown>([
    ...ALWAYS.map((type) => [type, {}] as const),
    ...limits.map((type) => [type, LIMITS_ONLY] as const),
  ]);
  for (const { type, parameters: given } of stored) {
    // Stored with the chain, but part of the credentials that a server is shown.
    if (type === HEADER_FORWARD) continue;
    if (!TYPES.has(type)) {
      throw new ThvError('ERR_RUN_CONFIG_INVALID', { reason: `unsupported middleware type: ${type}` });
    }
    parameters.set(type, given);
  }
  const wanted = [...TYPES].filter(([type]) => parameters.has(type));
  const reads = new Set(wanted.flatMap(([, type]) => type.reads?.(services) ?? []));
  const audit = await openAuditOf(parameters, services, resources);
  const middlewares: Middleware[] = [];
  for (const [type, { create }] of wanted) {
    const middleware = await create(parameters.get(type), { ...services, reads, audit }, resources);
    if (middleware !== undefined) middlewares.push(middleware);
  }
  return middlewares;
}

/** Loaded by those chains alone that are audited. */
async function openAuditOf(
  parameters: ReadonlyMap<string, unknown>,
  services: Services,
  resources: AsyncDisposableStack,
): Promise<ChainServices['audit']> {
  if (!parameters.has('audit')) return undefined;
  const { openAudit } = await import('./audit/open-audit.ts');
  return await openAudit(parameters.get('audit'), services, resources);
}
