/** What may be set on requests to a remote server (spec 06 §14). */

const MAX_NAME_BYTES = 256;
const MAX_VALUE_BYTES = 8192;
/** A header name: a token of RFC 9110 §5.6.2. */
const TOKEN = /^[!#$%&'*+.^_`|~\dA-Za-z-]+$/;

/** Headers of the connection, and those that the proxy sets itself, by their names in lower case. */
const RESTRICTED: ReadonlyMap<string, string> = new Map(
  [
    'Host',
    'Connection',
    'Keep-Alive',
    'Te',
    'Trailer',
    'Upgrade',
    'Http2-Settings',
    'Proxy-Authorization',
    'Proxy-Authenticate',
    'Proxy-Connection',
    'Transfer-Encoding',
    'Content-Length',
    'Forwarded',
    'X-Forwarded-For',
    'X-Forwarded-Host',
    'X-Forwarded-Proto',
    'X-Real-Ip',
  ].map((name) => [name.toLowerCase(), name]),
);

/** What is wrong with the name of a header; `undefined` for a sound one. */
export function headerNameProblem(name: string): string | undefined {
  if (name === '') return 'header name cannot be empty';
  if (Buffer.byteLength(name) > MAX_NAME_BYTES) return `it is longer than ${MAX_NAME_BYTES} bytes`;
  if (!TOKEN.test(name)) return 'only letters, digits and the signs of RFC 9110 §5.6.2 may stand in it';
  return undefined;
}

/** The sentence about a header that is not the user's to set; `undefined` for the others. */
export function headerRestriction(name: string): string | undefined {
  const restricted = RESTRICTED.get(name.toLowerCase());
  return restricted && `header "${restricted}" is restricted and cannot be configured for forwarding`;
}

/** What is wrong with a value, without the value; `undefined` for a sound one. */
export function headerValueProblem(value: string): string | undefined {
  if (Buffer.byteLength(value) > MAX_VALUE_BYTES) return `it is longer than ${MAX_VALUE_BYTES} bytes`;
  for (const character of value) {
    const code = character.charCodeAt(0);
    if ((code < 0x20 && character !== '\t') || code === 0x7f) return 'it holds control characters';
  }
  return undefined;
}
