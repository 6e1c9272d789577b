/** The request with another body. Its length follows, or an endpoint would believe the old one. */
export function withContent(request: Request, content: Uint8Array<ArrayBuffer> | string): Request {
  const { url, method, signal } = request;
  const headers = new Headers(request.headers);
  headers.set('Content-Length', String(Buffer.byteLength(content)));
  headers.delete('Transfer-Encoding');
  return new Request(url, { method, headers, signal, body: content });
}
