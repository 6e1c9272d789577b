import { encodeHeaderValue } from '../middleware/index.ts';
import { findMember, idKey, type Message, onOneLine, splice, stringAt } from '../proxy/index.ts';
import type { ToolHeaders } from './tool-headers.ts';

const VERSION_KEY = 'io.modelcontextprotocol/protocolVersion';
/** Newest revision with a handshake. */
const DEFAULT_VERSION = '2025-11-25';

/** The id as JSON text. */
export function idOf(message: Exclude<Message, { readonly kind: 'notification' }>): string {
  return message.text.slice(message.id.start, message.id.end);
}

export function keyOf(message: Exclude<Message, { readonly kind: 'notification' }>): string {
  return idKey(idOf(message));
}

/** Revision named by the message itself, as every one of 2026-07-28 and later does. */
export function ownVersion(message: Message): string | undefined {
  if (message.kind === 'response') return undefined;
  return stringAt(message.text, findMember(message.text, message.params, '_meta', VERSION_KEY)) || undefined;
}

/** Headers that repeat what the message says; on stdio there are none (spec 04 §18.1). */
export function modernHeaders(message: Message, tools: ToolHeaders): Record<string, string> {
  const version = ownVersion(message);
  if (version === undefined || message.kind === 'response') return {};
  const { text, params, method } = message;
  const name = stringAt(text, findMember(text, params, NAMED_BY[method] ?? 'name'));
  return {
    'MCP-Protocol-Version': version,
    'Mcp-Method': method,
    ...(method in NAMED_BY && name !== undefined ? { 'Mcp-Name': encodeHeaderValue(name) } : {}),
    ...(method === 'tools/call' && name !== undefined ? tools.headersFor(name, message) : {}),
  };
}

const NAMED_BY: Readonly<Record<string, string>> = {
  'tools/call': 'name',
  'prompts/get': 'name',
  'resources/read': 'uri',
};

/** Key of the request that a `notifications/cancelled` is about. */
export function cancelledKey(message: Message): string | undefined {
  if (message.kind !== 'notification' || message.method !== 'notifications/cancelled') return undefined;
  const place = findMember(message.text, message.params, 'requestId');
  return place && idKey(message.text.slice(place.start, place.end));
}

/**
 * An `initialize` with what the protocol requires but hasty clients leave out: `{"id":-1,"method":"initialize",
 * "params":{}}` has to be answered (spec 04 §14). A complete one is not touched.
 */
export function completeInitialize(message: Extract<Message, { readonly kind: 'request' }>): string {
  const { text, params } = message;
  const missing = Object.entries({
    protocolVersion: `"${DEFAULT_VERSION}"`,
    capabilities: '{}',
    clientInfo: '{"name":"toolhive-bridge","version":"0.1.0"}',
  }).filter(([name]) => findMember(text, params, name) === undefined);
  if (missing.length === 0) return onOneLine(text);
  const members = missing.map(([name, value]) => `"${name}":${value}`).join(',');
  if (params === undefined) {
    return onOneLine(
      splice(text, [{ at: { start: message.id.end, end: message.id.end }, by: `,"params":{${members}}` }]),
    );
  }
  const isEmpty = /^\{\s*\}$/.test(text.slice(params.start, params.end));
  const at = { start: params.start, end: params.start + 1 };
  return onOneLine(
    text[params.start] === '{' ? splice(text, [{ at, by: `{${members}${isEmpty ? '' : ','}` }]) : text,
  );
}

export function versionInResult(answer: Message | undefined): string | undefined {
  if (answer?.kind !== 'response') return undefined;
  return stringAt(answer.text, findMember(answer.text, answer.result, 'protocolVersion'));
}

/** The JSON-RPC error that a body carries, whichever request it answers. */
export function readError(text: string): { readonly code: number; readonly message: string } | undefined {
  try {
    const { error } = JSON.parse(text) as { error?: { code?: unknown; message?: unknown } };
    return typeof error?.code === 'number'
      ? { code: error.code, message: String(error.message ?? '') }
      : undefined;
  } catch {
    return undefined; // plain text
  }
}
