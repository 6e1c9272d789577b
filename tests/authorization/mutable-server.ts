/** An HTTP server whose tools, prompts and resources can be changed while it runs. */
export interface MutableServer extends AsyncDisposable {
  readonly url: string;
  tools: readonly Readonly<Record<string, unknown>>[];
  /** Names of the tools that were called. */
  readonly called: readonly string[];
}

export function openMutableServer(): MutableServer {
  const called: string[] = [];
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    async fetch(request) {
      if (request.method === 'GET') return new Response(null, { status: 405 });
      if (request.method === 'DELETE') return new Response(null, { status: 204 });
      const { id, method, params } = (await request.json()) as {
        id?: unknown;
        method: string;
        params?: { name?: string; protocolVersion?: string };
      };
      if (id === undefined) return new Response(null, { status: 202 });
      const result = resultOf(method, params);
      return Response.json({ jsonrpc: '2.0', id, result }, { headers: { 'Mcp-Session-Id': 'one' } });
    },
  });

  function resultOf(method: string, params: { name?: string; protocolVersion?: string } = {}): object {
    switch (method) {
      case 'initialize':
        return {
          protocolVersion: params.protocolVersion ?? '2025-06-18',
          capabilities: { tools: {}, prompts: {}, resources: {} },
          serverInfo: { name: 'mutable', version: '1' },
        };
      case 'tools/list':
        return { tools: mutable.tools };
      case 'prompts/list':
        return { prompts: [{ name: 'greeting' }, { name: 'secret' }] };
      case 'resources/list':
        return {
          resources: [
            { uri: 'file:///open', name: 'open' },
            { uri: 'file:///shut', name: 'shut' },
          ],
        };
      default:
        called.push(params.name ?? method);
        return { content: [{ type: 'text', text: `called ${params.name}` }] };
    }
  }

  const mutable = {
    url: `http://127.0.0.1:${server.port}/mcp`,
    tools: [] as MutableServer['tools'],
    called,
    [Symbol.asyncDispose]: () => server.stop(true),
  };
  return mutable;
}

export function tool(name: string, more: object = {}): Readonly<Record<string, unknown>> {
  return { name, description: `does ${name}`, inputSchema: { type: 'object' }, ...more };
}
