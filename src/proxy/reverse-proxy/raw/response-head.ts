/** Status line and headers of a response; those of the connection are left out. */
export interface ResponseHead {
  readonly status: number;
  readonly statusText: string;
  /** Names in lower case; a header that came twice is there twice. */
  readonly headers: [string, string][];
  /** Announced length of the body. */
  readonly length: number | undefined;
  readonly isChunked: boolean;
  readonly isPersistent: boolean;
}

const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

const LF = 0x0a;
const CR = 0x0d;

/** Where the body begins, or -1. Lone line feeds are taken as line ends, as browsers do (RFC 9112 §2.2). */
export function findHeadEnd(bytes: Buffer): number {
  for (let at = bytes.indexOf(LF); at !== -1; at = bytes.indexOf(LF, at + 1)) {
    const next = bytes[at + 1];
    if (next === LF) return at + 2;
    if (next === CR && bytes[at + 2] === LF) return at + 3;
  }
  return -1;
}

/** Throws on whatever could be understood in two ways. */
export function parseHead(text: string): ResponseHead {
  const lines = text.split('\n');
  const start = /^HTTP\/1\.([01]) (\d{3})(?: (.*?))?\r?$/.exec(lines[0] ?? '');
  if (start === null) throw new Error('not an HTTP response');
  const [, minor, status, statusText = ''] = start;
  const headers: [string, string][] = [];
  let length: number | undefined;
  let isChunked = false;
  let connection = '';
  for (let index = 1; index < lines.length; index += 1) {
    const line = lines[index] ?? '';
    if (line === '' || line === '\r') continue;
    const colon = line.indexOf(':');
    const name = line.slice(0, colon).toLowerCase();
    if (colon < 1 || !/^[\w!#$%&'*+.^`|~-]+$/.test(name)) throw new Error('malformed response header');
    const value = line.slice(colon + 1).trim();
    if (name === 'content-length') {
      const announced = parseLength(value);
      if (length !== undefined && length !== announced) throw new Error('contradicting content lengths');
      if (length === undefined) headers.push([name, String(announced)]);
      length = announced;
    } else if (name === 'transfer-encoding') {
      if (isChunked || value.toLowerCase() !== 'chunked') throw new Error('unknown transfer encoding');
      isChunked = true;
    } else if (name === 'connection') {
      connection += `,${value.toLowerCase()}`;
    } else if (!HOP_BY_HOP.has(name)) {
      headers.push([name, value]);
    }
  }
  const named = connection === '' ? [] : connection.split(',').map((option) => option.trim());
  return {
    status: Number(status),
    statusText: statusText.trim(),
    headers:
      named.length === 0
        ? headers
        : headers.filter(([name]) => name === 'content-length' || !named.includes(name)),
    length: isChunked ? undefined : length,
    isChunked,
    isPersistent: minor === '1' ? !named.includes('close') : named.includes('keep-alive'),
  };
}

/** `5`, or `5, 5` as some intermediaries make of two equal headers. */
function parseLength(value: string): number {
  const values = new Set(value.split(',').map((part) => part.trim()));
  const [only = ''] = values;
  if (values.size !== 1 || !/^\d{1,15}$/.test(only)) throw new Error('malformed content length');
  return Number(only);
}

/** How the end of the body is found behind this head (RFC 9112 §6.3). */
export function bodyKindOf(
  method: string,
  head: ResponseHead,
): 'none' | 'length' | 'chunked' | 'until-close' {
  if (method === 'HEAD' || head.status === 204 || head.status === 304) return 'none';
  if (head.isChunked) return 'chunked';
  return head.length === undefined ? 'until-close' : 'length';
}
