import type { HeaderList } from './reverse-proxy/headers.ts';
import type { UpstreamRequest } from './reverse-proxy/upstream.ts';

/**
 * What the server behind a proxy is shown so that it lets us in. One object for all that is sent to it: requests of
 * clients, the replay that heals a session, health pings.
 */
export interface Credentials {
  /**
   * Headers for one request, names in lower case, that take the place of the client's. Asked for each time it is sent,
   * so that a token that was renewed meanwhile is the one that goes out.
   */
  headersFor(request: Pick<UpstreamRequest, 'origin' | 'path' | 'method'>): HeaderList | Promise<HeaderList>;
  /**
   * The server answered such a request with 401; the body belongs to the caller. `true`: `headersFor` has something
   * better now, and the request is worth sending once more.
   */
  onRejected(response: Response): boolean | Promise<boolean>;
}

/** The same headers for every request, values resolved; of two spellings of one name the later wins. `undefined` for none. */
export function createHeaderCredentials(values: Readonly<Record<string, string>>): Credentials | undefined {
  const headers = new Headers();
  // Headers carry bytes, and are given one character for each.
  for (const [name, value] of Object.entries(values))
    headers.set(name, Buffer.from(value).toString('latin1'));
  const list: HeaderList = [...headers];
  if (list.length === 0) return undefined;
  return { headersFor: () => list, onRejected: () => false };
}
