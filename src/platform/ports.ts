import { ThvError } from '../errors/index.ts';
import { listenTwin } from './loopback.ts';

const LOWEST = 10_000;
const HIGHEST = 65_534;
const LOOPBACK = '127.0.0.1';

/** Free on 127.0.0.1 for TCP and for UDP, as spec 02 §5.3 asks, and on `::1` where there is IPv6: `localhost` is both. */
export async function isPortAvailable(port: number): Promise<boolean> {
  if (!Number.isInteger(port) || port < 1 || port > 65_535) return false;
  try {
    const listen = (hostname: string) => Bun.listen({ hostname, port, socket: { data() {} } }).stop(true);
    listen(LOOPBACK);
    listenTwin(LOOPBACK, listen);
    (await Bun.udpSocket({ hostname: LOOPBACK, port })).close();
    return true;
  } catch {
    return false; // whatever the reason (in use, privileged), the port cannot be had
  }
}

/** A free port: ten random tries, then one after the other. Ports in `taken` are passed over. Throws `ERR_NO_FREE_PORT`. */
export async function findFreePort(taken: ReadonlySet<number> = new Set()): Promise<number> {
  const isFree = async (port: number) => !taken.has(port) && (await isPortAvailable(port));
  for (let attempt = 0; attempt < 10; attempt++) {
    const port = randomPort();
    if (await isFree(port)) return port;
  }
  for (let port = LOWEST; port <= HIGHEST; port++) if (await isFree(port)) return port;
  throw new ThvError('ERR_NO_FREE_PORT', {});
}

/** From the system's secure source. That some ports are likelier by a hair does no harm. */
function randomPort(): number {
  const [random = 0] = crypto.getRandomValues(new Uint32Array(1));
  return LOWEST + (random % (HIGHEST - LOWEST + 1));
}
