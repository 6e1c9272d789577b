import { ThvError } from '../errors/index.ts';
import { effectiveChain, listTools } from '../host/index.ts';
import { callerRulesOf, parseWorkloadName, type RunConfig, type WorkloadName } from '../records/index.ts';
import {
  type Definition,
  deleteLock,
  lockPath,
  readLock,
  type ToolLock,
  writeLock,
} from '../tool-lock/index.ts';
import type { Context } from './context.ts';
import { getWorkload } from './list.ts';
import type { OperationOptions, PresentTools } from './types.ts';

/** Throws `ERR_NOT_AVAILABLE` for a workload that does not run, `ERR_MCP_REQUEST` when its server gives no list. */
export async function toolsOf(
  context: Context,
  name: string,
  options: OperationOptions,
): Promise<PresentTools> {
  const workload = parseWorkloadName(name);
  const config = await context.runConfigs.get(workload);
  return {
    isEnforced: config.tools_locked ?? false,
    present: await presentTools(context, workload, config, options),
  };
}

export async function lockOf(context: Context, name: string): Promise<ToolLock | undefined> {
  return readLock(lockPath(context.paths.state, parseWorkloadName(name)));
}

export async function lockTools(context: Context, name: string, tools: readonly Definition[]): Promise<void> {
  await writeLock(lockPath(context.paths.state, parseWorkloadName(name)), tools, new Date());
}

export async function unlockTools(context: Context, name: string): Promise<void> {
  await deleteLock(lockPath(context.paths.state, parseWorkloadName(name)));
}

async function presentTools(
  context: Context,
  name: WorkloadName,
  config: RunConfig,
  { signal }: OperationOptions,
): Promise<readonly Definition[]> {
  const host = await context.findHost();
  const tools = await host?.tools(name, signal);
  if (tools !== undefined) return tools;
  const { status } = await getWorkload(context, name, { signal });
  if (status !== 'running') {
    const reason = `workload ${name} is not running, and only a running server says what its tools are`;
    throw new ThvError(
      'ERR_NOT_AVAILABLE',
      { workload: name, reason },
      { hint: `start it with 'thv start ${name}'` },
    );
  }
  // A process of its own takes no orders, so it is asked as a client asks.
  const { oidc, requireToken } = callerRulesOf(config);
  const isGuarded = oidc !== undefined || requireToken;
  const isFiltered = isGuarded || effectiveChain(config).some(({ type }) => HIDING.has(type));
  if (isFiltered) {
    const reason = `workload ${name} is served by a process of its own, and shows its tools only through its filters and policies`;
    throw new ThvError('ERR_NOT_AVAILABLE', { workload: name, reason });
  }
  return listTools(config, (request) => fetch(request));
}

const HIDING: ReadonlySet<string> = new Set(['tool-filter', 'authorization', 'tool-lock']);
