import type { Server } from 'bun';
import { messageOf, ThvError } from '../errors/index.ts';
import { isTaken, listenTwin } from '../platform/index.ts';
import { failurePage, idlePage, successPage } from './callback-pages.ts';

interface CallbackOptions {
  /** 0 for any free port. */
  readonly port: number;
  /** What the answer must carry to be ours. */
  readonly state: string;
  /** Makes tokens of the answer before the page is shown. */
  readonly complete: (answer: URLSearchParams) => Promise<void>;
}

/** Where the browser comes back to at the end of a login: `localhost`, on 127.0.0.1 and on `::1` where there is IPv6. */
export interface CallbackServer extends AsyncDisposable {
  readonly redirectUri: string;
  /** Settles with the first answer that is ours. Rejects with `ERR_OAUTH`, or what `complete` throws. */
  readonly finished: Promise<void>;
}

/** Throws `ERR_OAUTH` when the port is taken. */
export function startCallbackServer({ port, state, complete }: CallbackOptions): CallbackServer {
  const end = Promise.withResolvers<void>();
  end.promise.catch(() => undefined); // callers that wait for `finished` still see the rejection
  let isAnswered = false;

  async function answer(parameters: URLSearchParams): Promise<Response> {
    // A foreign page must neither end the login nor put its text on our page (spec 06 §19-10).
    if (parameters.get('state') !== state) return failurePage('invalid state parameter');
    if (isAnswered) return failurePage('this login has been answered already');
    isAnswered = true;
    try {
      const error = parameters.get('error');
      if (error !== null)
        throw failed(`OAuth error: ${error} - ${parameters.get('error_description') ?? ''}`);
      if (!parameters.get('code')) throw failed('missing authorization code');
      await complete(parameters);
      end.resolve();
      return successPage();
    } catch (error) {
      end.reject(error);
      return failurePage(messageOf(error));
    }
  }

  const [first, ...others] = listen(port, async (request) => {
    const url = new URL(request.url);
    if (url.pathname === '/callback' && request.method === 'GET') return answer(url.searchParams);
    if (request.method !== 'GET') return new Response('Method not allowed', { status: 405 });
    return idlePage();
  });
  return {
    redirectUri: `http://localhost:${first.port}/callback`,
    finished: end.promise,
    // Lets the last page get out; the browser's idle connections are cut.
    async [Symbol.asyncDispose]() {
      const servers = [first, ...others];
      await Promise.race([Promise.all(servers.map((server) => server.stop(false))), Bun.sleep(500)]);
      await Promise.all(servers.map((server) => server.stop(true)));
    },
  };
}

type Servers = readonly [Server<undefined>, ...Server<undefined>[]];

/** How often another port is tried when any will do and somebody has it on the other address. */
const ATTEMPTS = 10;

/** Listens on both addresses of `localhost`: otherwise a browser that takes the other one could bring the code to another program. */
function listen(port: number, fetch: (request: Request) => Promise<Response>): Servers {
  const open = (hostname: string, at: number) => Bun.serve({ hostname, port: at, idleTimeout: 60, fetch });
  for (let attempt = 1; ; attempt += 1) {
    let first: Server<undefined> | undefined;
    try {
      first = open('127.0.0.1', port);
      const { port: opened = port } = first;
      const twin = listenTwin('127.0.0.1', (hostname) => open(hostname, opened));
      return twin === undefined ? [first] : [first, twin];
    } catch (error) {
      void first?.stop(true);
      if (port === 0 && isTaken(error) && attempt < ATTEMPTS) continue;
      throw failed(`failed to start callback server: port ${port}: ${messageOf(error)}`, error);
    }
  }
}

function failed(reason: string, cause?: unknown): ThvError {
  return new ThvError('ERR_OAUTH', { reason }, { cause });
}
