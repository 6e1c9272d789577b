import {
  decodeHeaderValue,
  findMember,
  HEADER_MISMATCH,
  INVALID_REQUEST,
  jsonError,
  type Message,
  MODERN_VERSION,
  stringAt,
} from '../../proxy/index.ts';

/** Whether the bytes of a body are its text in UTF-8, as the headers describe it. */
export function isPlainText(headers: Headers, content: Uint8Array): boolean {
  const coding = headers.get('content-encoding')?.trim().toLowerCase() ?? '';
  if (coding !== '' && coding !== 'identity') return false;
  const type = headers.get('content-type') ?? '';
  const named = type.match(/charset/gi)?.length ?? 0;
  if (named === 0) return true;
  // Which of two counts is up to the reader, and a name in a spelling of its own is one that we may not know.
  const charsets = [...type.matchAll(/;\s*charset\s*=\s*(?:"([\w-]+)"|([\w-]+))\s*(?=[;,]|$)/gi)].map(
    ([, quoted, plain]) => (quoted ?? plain ?? '').toLowerCase(),
  );
  if (charsets.length !== named) return false;
  if (charsets.every((charset) => charset === 'utf-8' || charset === 'utf8')) return true;
  const isAscii = charsets.every((charset) => ASCII_ALIKE.has(charset)) && isAllAscii(content);
  return isAscii;
}

/** Charsets in which ASCII is ASCII; with other characters a name of a tool would be another one to the server. */
const ASCII_ALIKE: ReadonlySet<string> = new Set([
  'utf-8',
  'utf8',
  'us-ascii',
  'ascii',
  'iso-8859-1',
  'latin1',
]);

function isAllAscii(content: Uint8Array): boolean {
  return content.every((byte) => byte < 0x80);
}

/**
 * Revision 2026-07-28 repeats method and name in headers, which a server, or a gateway in front of it, may go by instead of
 * the body. `undefined`: they are absent, or say what the body says.
 */
export function refuseMismatch(message: Message, headers: Headers): Response | undefined {
  const name = headers.get('mcp-name');
  const method = headers.get('mcp-method');
  if (name === null && method === null) return undefined;
  const call = message.kind === 'response' ? undefined : message;
  if (method !== null && method !== call?.method) return mismatch('Mcp-Method', message, headers);
  if (name === null || decodeHeaderValue(name) === nameOf(message)) return undefined;
  return mismatch('Mcp-Name', message, headers);
}

function nameOf(message: Message): string | undefined {
  if (message.kind === 'response') return undefined;
  const { text, params } = message;
  if (params === undefined || text[params.start] !== '{') return undefined;
  return stringAt(text, findMember(text, params, 'name') ?? findMember(text, params, 'uri'));
}

/** Only clients of that revision know its code, and take it as a sign that it is spoken here (spec 04 §18.9). */
function mismatch(header: string, message: Message, headers: Headers): Response {
  const isModern = headers.get('mcp-protocol-version') === MODERN_VERSION;
  return jsonError(400, {
    code: isModern ? HEADER_MISMATCH : INVALID_REQUEST,
    message: `${header} header does not match the request body`,
    id: 'id' in message ? message.text.slice(message.id.start, message.id.end) : undefined,
  });
}
