const IPV4 = '127.0.0.1';
const ALL_IPV4 = '0.0.0.0';
const IPV6 = '::1';

/**
 * Listens on the other loopback address as well. `localhost` means both, and clients that try IPv6 first would find nothing there,
 * or another program. `undefined` when `hostname` is no address that `localhost` stands for, or the machine has
 * no IPv6. Throws what `listen` throws when the port is taken there.
 */
export function listenTwin<T>(hostname: string, listen: (hostname: string) => T): T | undefined {
  if (hostname !== IPV4 && hostname !== ALL_IPV4) return undefined;
  try {
    return listen(IPV6);
  } catch (error) {
    if (isTaken(error) && hasIpv6()) throw error;
    return undefined;
  }
}

export function isTaken(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = 'code' in error ? error.code : undefined;
  return code === 'EADDRINUSE' || /in use/i.test(error.message) || isTaken(error.cause);
}

function hasIpv6(): boolean {
  try {
    Bun.listen({ hostname: IPV6, port: 0, socket: { data() {} } }).stop(true);
    return true;
  } catch {
    return false; // switched off, or not built in
  }
}
