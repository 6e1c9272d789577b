import { isLoopbackHost, literalAddress } from '../../net/index.ts';

const TIMEOUT_MS = 5000;

interface HealthAnswer {
  readonly status: number;
  readonly nonce: string | null;
}

/**
 * `GET /health` of a server that a record names. Only addresses of this machine are asked: a record that somebody tampered
 * with must not send requests elsewhere (spec 10 §4.2). `undefined` when the address is none of ours or nobody answers.
 */
export async function askNonce(url: string): Promise<HealthAnswer | undefined> {
  const target = targetOf(url);
  if (target === undefined) return undefined;
  try {
    const response = await fetch(target.url, {
      ...(target.unix === undefined ? {} : { unix: target.unix }),
      redirect: 'manual',
      proxy: false, // it is on this machine
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    return { status: response.status, nonce: response.headers.get('x-toolhive-nonce') };
  } catch {
    return undefined; // nobody there: the caller looks at the process
  }
}

export function targetOf(text: string): { readonly url: string; readonly unix?: string } | undefined {
  const url = URL.parse(text);
  if (url === null || url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '')
    return undefined;
  switch (url.protocol) {
    case 'http:': {
      const isLiteral = literalAddress(url.hostname) !== undefined;
      return isLiteral && isLoopbackHost(url.hostname) ? { url: `${url.origin}/health` } : undefined;
    }
    case 'unix:': {
      if (url.host !== '' || /(?:^|\/)(?:\.|%2e){2}(?:\/|$)/i.test(text)) return undefined;
      const path = decode(url.pathname)?.replace(/^\/(?=[A-Za-z]:)/, '');
      return path === undefined || path === '' || path === '/'
        ? undefined
        : { url: 'http://localhost/health', unix: path };
    }
    case 'npipe:':
      return process.platform === 'win32' && isPipeName(url.host) && url.pathname === ''
        ? { url: 'http://localhost/health', unix: `\\\\.\\pipe\\${url.host}` }
        : undefined;
    default:
      return undefined;
  }
}

function isPipeName(name: string): boolean {
  return /^[a-z0-9._-]{1,247}$/i.test(name) && !/^(?:con|nul|prn|aux|com[1-9]|lpt[1-9])$/i.test(name);
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined; // not an address that we wrote
  }
}
