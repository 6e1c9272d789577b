/** Names of the events in an audit log (spec 05 §16.2). */

const OF_METHODS: ReadonlyMap<string, string> = new Map([
  ['initialize', 'mcp_initialize'],
  ['ping', 'mcp_ping'],
  ['tools/call', 'mcp_tool_call'],
  ['tools/list', 'mcp_tools_list'],
  ['resources/read', 'mcp_resource_read'],
  ['resources/list', 'mcp_resources_list'],
  ['prompts/get', 'mcp_prompt_get'],
  ['prompts/list', 'mcp_prompts_list'],
  ['notifications/message', 'mcp_notification'],
  ['logging/setLevel', 'mcp_logging'],
  ['completion/complete', 'mcp_completion'],
  ['notifications/roots/list_changed', 'mcp_roots_list_changed'],
]);

/** Never logged here; settings that are shared with other programs name them. */
const OF_WORKFLOWS = ['started', 'completed', 'failed'].flatMap((end) => [
  `vmcp_workflow_${end}`,
  `vmcp_workflow_step_${end}`,
]);

const EVENT_TYPES: ReadonlySet<string> = new Set([
  ...OF_METHODS.values(),
  'mcp_request',
  'http_request',
  'sse_connection',
  /** Ours: a tool is not what it was when it was locked. */
  'mcp_tool_changed',
  ...OF_WORKFLOWS,
  'vmcp_workflow_timed_out',
  'vmcp_workflow_step_skipped',
]);

export function isEventType(name: string): boolean {
  return EVENT_TYPES.has(name);
}

/** Facts that decide the type of a request's event. */
interface TypeFacts {
  readonly httpMethod: string;
  readonly accept: string | null;
  /** The JSON-RPC method, where the request holds one that was read. */
  readonly method: string | undefined;
  /** It uses the HTTP+SSE transport. */
  readonly isSse: boolean;
}

export function eventTypeOf({ httpMethod, accept, method, isSse }: TypeFacts): string {
  if (httpMethod === 'GET' && accept?.includes('text/event-stream') === true) return 'sse_connection';
  if (method !== undefined) return OF_METHODS.get(method) ?? 'mcp_request';
  if (isSse && httpMethod === 'GET') return 'sse_connection';
  return isSse && httpMethod === 'POST' ? 'mcp_request' : 'http_request';
}
