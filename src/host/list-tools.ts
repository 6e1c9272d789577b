import { messageOf, ThvError } from '../errors/index.ts';
import { listServerTools } from '../middleware/index.ts';
import type { Handler } from '../proxy/index.ts';
import { baseNameOf, type RunConfig } from '../records/index.ts';
import type { Definition } from '../tool-lock/index.ts';
import { urlOf } from './workload-url.ts';

const TIMEOUT_MS = 30_000;

/** All tools of a running workload, as its server says them: behind the chain, so that neither filters nor policies hide any. */
export async function listTools(config: RunConfig, handle: Handler): Promise<readonly Definition[]> {
  const workload = baseNameOf(config);
  // A stdio server speaks streamable HTTP whatever its clients are told.
  const url = config.transport === 'stdio' ? new URL('/mcp', urlOf(config)).href : urlOf(config);
  try {
    const isSse = config.transport === 'sse';
    return await listServerTools(handle, { url, isSse, timeoutMs: TIMEOUT_MS });
  } catch (error) {
    throw new ThvError(
      'ERR_MCP_REQUEST',
      { reason: `failed to list the tools of workload ${workload}: ${messageOf(error)}` },
      { cause: error },
    );
  }
}
