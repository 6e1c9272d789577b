import { messageOf, ThvError } from '../errors/index.ts';
import { failurePage, idlePage, successPage } from './callback-pages.ts';

interface CallbackOptions {
  /** 0 for any free port. */
  readonly port: number;
  /** What the answer must carry to be ours. */
  readonly state: string;
  /** Makes tokens of the answer before the page is shown. */
  readonly complete: (answer: URLSearchParams) => Promise<void>;
}

/** Where the browser comes back to at the end of a login, on 127.0.0.1 only. */
export interface CallbackServer extends AsyncDisposable {
  readonly redirectUri: string;
  /** Settles with the first answer that is ours. Rejects with `ERR_OAUTH`, or what `complete` throws. */
  readonly finished: Promise<void>;
}

/** Throws `ERR_OAUTH` when the port is taken. */
export function startCallbackServer({ port, state, complete }: CallbackOptions): CallbackServer {
  const end = Promise.withResolvers<void>();
  end.promise.catch(() => undefined); // whoever waits gets it all the same
  let isTaken = false;

  async function answer(parameters: URLSearchParams): Promise<Response> {
    // A page of somebody else's must neither end the login nor show us its words (spec 06 §19-10).
    if (parameters.get('state') !== state) return failurePage('invalid state parameter');
    if (isTaken) return failurePage('this login has been answered already');
    isTaken = true;
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

  const server = listen(port, async (request) => {
    const url = new URL(request.url);
    if (url.pathname === '/callback' && request.method === 'GET') return answer(url.searchParams);
    if (request.method !== 'GET') return new Response('Method not allowed', { status: 405 });
    return idlePage();
  });
  return {
    redirectUri: `http://localhost:${server.port}/callback`,
    finished: end.promise,
    // Lets the last page get out; the browser's idle connections are cut.
    async [Symbol.asyncDispose]() {
      await Promise.race([server.stop(false), Bun.sleep(500)]);
      await server.stop(true);
    },
  };
}

function listen(port: number, fetch: (request: Request) => Promise<Response>) {
  try {
    return Bun.serve({ hostname: '127.0.0.1', port, idleTimeout: 60, fetch });
  } catch (error) {
    throw failed(`failed to start callback server: port ${port}: ${messageOf(error)}`, error);
  }
}

function failed(reason: string, cause?: unknown): ThvError {
  return new ThvError('ERR_OAUTH', { reason }, { cause });
}
