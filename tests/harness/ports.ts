/** A TCP port of the loopback interface that was free a moment ago. */
export function freePort(): number {
  using listener = Bun.listen({ hostname: '127.0.0.1', port: 0, socket: { data() {} } });
  return listener.port;
}

/** Keeps a TCP port of the loopback interface busy until disposed. */
export function occupyPort(port = 0): { readonly port: number } & Disposable {
  return Bun.listen({ hostname: '127.0.0.1', port, socket: { data() {} } });
}
