import { textError } from '../respond.ts';

const MODERN = '2026-07-28';
const POST_ONLY = 'method not allowed: server is stateless / stateless MCP revision (POST only)';

/** Stateless servers, and the stateless revision, know no streams and no sessions to end (spec 04 §8.6). */
export function refuseMethod({ method, headers }: Request, isStateless: boolean): Response | undefined {
  if (method !== 'GET' && method !== 'HEAD' && method !== 'DELETE') return undefined;
  if (!isStateless && headers.get('mcp-protocol-version') !== MODERN) return undefined;
  return textError(405, POST_ONLY, { Allow: 'POST, OPTIONS' });
}
