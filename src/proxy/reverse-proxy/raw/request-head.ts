import type { UpstreamRequest } from '../upstream.ts';

/** How the body is framed on the wire. */
export type BodyFraming = 'whole' | 'length' | 'chunked';

/** Request line and headers (RFC 9112 §3), as bytes of one character each. */
export function requestHead(request: UpstreamRequest, host: string): { text: string; framing: BodyFraming } {
  const { method, path, headers, body } = request;
  let text = `${method} ${path} HTTP/1.1\r\nhost: ${host}\r\n`;
  let announced: string | undefined;
  for (const [name, value] of headers) {
    if (name === 'content-length') announced = value;
    else text += `${name}: ${value}\r\n`;
  }
  if (body instanceof ReadableStream) {
    if (announced !== undefined)
      return { text: `${text}content-length: ${announced}\r\n\r\n`, framing: 'length' };
    return { text: `${text}transfer-encoding: chunked\r\n\r\n`, framing: 'chunked' };
  }
  const expectsBody = body !== undefined || method === 'POST' || method === 'PUT' || method === 'PATCH';
  if (expectsBody) text += `content-length: ${body?.byteLength ?? 0}\r\n`;
  return { text: `${text}\r\n`, framing: 'whole' };
}
