import { type EventSource, openEvents, type Posted, post } from './raw-client.ts';

export const MODERN = '2026-07-28';
export const META = {
  'io.modelcontextprotocol/protocolVersion': MODERN,
  'io.modelcontextprotocol/clientInfo': { name: 'test', version: '0' },
  'io.modelcontextprotocol/clientCapabilities': {},
} as const;

export interface ModernMessage {
  readonly id?: string | number;
  readonly method: string;
  readonly params?: Readonly<Record<string, unknown>>;
}

/** Headers that repeat the message as the revision demands. */
function headersFor({ method, params }: ModernMessage): Record<string, string> {
  const name = method === 'resources/read' ? params?.['uri'] : params?.['name'];
  return {
    'MCP-Protocol-Version': MODERN,
    'Mcp-Method': method,
    ...(typeof name === 'string' ? { 'Mcp-Name': name } : {}),
  };
}

export function withMeta({ id = 1, method, params = {} }: ModernMessage, meta: object = {}): object {
  return { jsonrpc: '2.0', id, method, params: { ...params, _meta: { ...META, ...meta } } };
}

export interface ModernOptions {
  readonly accept?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly meta?: object;
  readonly signal?: AbortSignal;
}

export function postModern(
  base: string,
  message: ModernMessage,
  { meta, headers, ...options }: ModernOptions = {},
): Promise<Posted> {
  return post(`${base}/mcp`, withMeta(message, meta), {
    ...options,
    headers: { ...headersFor(message), ...headers },
  });
}

export function streamModern(
  base: string,
  message: ModernMessage,
  { meta, headers, accept = 'application/json, text/event-stream' }: ModernOptions = {},
): Promise<EventSource> {
  return openEvents(`${base}/mcp`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Accept: accept, ...headersFor(message), ...headers },
    body: JSON.stringify(withMeta(message, meta)),
  });
}

export function callTool(name: string, input: object = {}, more: object = {}): ModernMessage {
  return { method: 'tools/call', params: { name, arguments: input, ...more } };
}
