/** One request that arrived. */
interface Told {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: { readonly count: number; readonly timestamp: string };
}

export interface Receiver extends AsyncDisposable {
  readonly url: string;
  readonly told: readonly Told[];
}

/** An endpoint of usage metrics on this machine. */
export function openReceiver(
  answer: (earlier: number) => Response | Promise<Response> = () => new Response(null, { status: 204 }),
): Receiver {
  const told: Told[] = [];
  const server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    async fetch(request) {
      const { method, headers, url } = request;
      const body = (await request.json()) as Told['body'];
      told.push({ method, path: new URL(url).pathname, headers: Object.fromEntries(headers), body });
      return answer(told.length - 1);
    },
  });
  return {
    url: `${server.url.href}counts`,
    told,
    [Symbol.asyncDispose]: () => server.stop(true),
  };
}
