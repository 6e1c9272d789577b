/** Messages that the proxy itself says. Ids and results are JSON texts, as they were received. */

export const INVALID_REQUEST = -32600;
export const METHOD_NOT_FOUND = -32601;
export const INTERNAL_ERROR = -32603;
export const TIMEOUT = -32000;
export const SESSION_NOT_FOUND = -32001;

/** Without a known id the member is left out: strict clients throw on `"id":null` (spec 04, terms). `data` is JSON text. */
export function errorText(id: string | undefined, code: number, message: string, data?: string): string {
  const rest = data === undefined ? '' : `,"data":${data}`;
  const error = `"error":{"code":${code},"message":${JSON.stringify(message)}${rest}}`;
  return id === undefined ? `{"jsonrpc":"2.0",${error}}` : `{"jsonrpc":"2.0","id":${id},${error}}`;
}

export function resultText(id: string, result = '{}'): string {
  return `{"jsonrpc":"2.0","id":${id},"result":${result}}`;
}

export function requestText(id: string, method: string, params: string): string {
  return `{"jsonrpc":"2.0","id":${id},"method":${JSON.stringify(method)},"params":${params}}`;
}

export function notificationText(method: string, params?: string): string {
  const rest = params === undefined ? '' : `,"params":${params}`;
  return `{"jsonrpc":"2.0","method":${JSON.stringify(method)}${rest}}`;
}
