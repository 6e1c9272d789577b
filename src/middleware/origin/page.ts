/** Why a request of a web page is refused. */
export interface Objection {
  readonly to: 'origin' | 'content type';
  /** What the browser said, fit for a message. */
  readonly value: string;
}

/** `own`: the page was loaded from the very address that the request was sent to. `listed`: the user named its origin. */
export type Trust = 'own' | 'listed' | undefined;

/**
 * Whether a web page may have sent this request (spec 04 §2.4, spec 10 §20-1), the one decision for the API and for the
 * proxies of workloads. MCP servers listen on ports of this machine and can show pages there, so another port is as foreign
 * as another machine. Programs that are no browsers send neither header and are not judged. `trust` gets the origin in lower
 * case.
 */
export function objectToPage(request: Request, trust: (origin: string) => Trust): Objection | undefined {
  const { headers } = request;
  const origin = headers.get('origin');
  const site = headers.get('sec-fetch-site');
  if (origin === null && site === null) return undefined;
  const trusted = origin === null ? 'own' : trust(origin.toLowerCase());
  if (trusted === undefined) return { to: 'origin', value: printable(origin ?? '') };
  // A page of the same address never has another value; GET without CORS is told by nothing else.
  const isForeign = site !== null && site !== 'same-origin' && site !== 'none';
  if (isForeign && trusted !== 'listed') return { to: 'origin', value: printable(origin ?? `(${site})`) };
  const type = headers.get('content-type') ?? '';
  // Any page may send other types anywhere without being asked first (Fetch, "CORS-safelisted request-header").
  return hasBody(request) && !/^application\/json *(?:;|$)/i.test(type)
    ? { to: 'content type', value: type === '' ? '(none)' : printable(type.split(';')[0] ?? '') }
    : undefined;
}

function hasBody({ headers, body }: Request): boolean {
  const isEmpty = headers.get('content-length') === '0' && !headers.has('transfer-encoding');
  return body !== null && !isEmpty;
}

function printable(text: string): string {
  return text
    .trim()
    .replace(/[^\x20-\x7e]/g, '?')
    .slice(0, 200);
}
