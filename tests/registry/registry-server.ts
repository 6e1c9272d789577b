/** A registry API on 127.0.0.1 whose behaviour a test can change while it runs. */
export interface RegistryServer extends AsyncDisposable {
  readonly url: string;
  /** Path and query of every request so far. */
  readonly requests: string[];
  readonly authorizations: (string | null)[];
  /** Answers instead of the API when it gives something. */
  intercept: ((request: Request) => Response | Promise<Response> | undefined) | undefined;
  servers: readonly object[];
}

/** `server.json` of a container. */
export function serverJson(name: string, facts: object = {}): object {
  return {
    name,
    description: `About ${name}`,
    version: '1.0.0',
    packages: [
      { registryType: 'oci', identifier: `img/${name.split('/').at(-1)}:1`, transport: { type: 'stdio' } },
    ],
    ...facts,
  };
}

export function startRegistryServer(
  servers: readonly object[] = [serverJson('io.github.a/one')],
  hostname = '127.0.0.1',
): RegistryServer {
  const requests: string[] = [];
  const authorizations: (string | null)[] = [];
  const state: Pick<RegistryServer, 'intercept' | 'servers'> = { intercept: undefined, servers };
  const server = Bun.serve({
    hostname,
    port: 0,
    async fetch(request) {
      const url = new URL(request.url);
      requests.push(url.pathname + url.search);
      authorizations.push(request.headers.get('authorization'));
      return (await state.intercept?.(request)) ?? answer(url, state.servers);
    },
  });
  return Object.assign(state, {
    url: `http://127.0.0.1:${server.port}`,
    requests,
    authorizations,
    [Symbol.asyncDispose]: () => server.stop(true),
  });
}

function answer(url: URL, servers: readonly object[]): Response {
  const name = /^\/v0\.1\/servers\/([^/]+)\/versions\/latest$/.exec(url.pathname)?.[1];
  if (name !== undefined) {
    const server = servers.find((entry) => 'name' in entry && entry.name === decodeURIComponent(name));
    return server === undefined
      ? Response.json({ title: 'Not Found' }, { status: 404 })
      : Response.json({ server });
  }
  if (url.pathname !== '/v0.1/servers') return new Response('nothing here', { status: 404 });
  const search = url.searchParams.get('search');
  const found = servers.filter((entry) => search === null || JSON.stringify(entry).includes(search));
  const start = Number(url.searchParams.get('cursor') ?? 0);
  const end = start + Number(url.searchParams.get('limit') ?? 30);
  return Response.json({
    servers: found.slice(start, end).map((server) => ({ server, _meta: {} })),
    metadata: { count: found.length, ...(end < found.length ? { nextCursor: String(end) } : {}) },
  });
}
