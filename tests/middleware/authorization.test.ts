import { describe, expect, test } from 'bun:test';
import { openMcpClient } from '../harness/mcp.ts';
import { openHttpWorld, openStdioWorld } from './world.ts';

/** Some of everything that decides: names, patterns, hints, a caller, and a policy that cannot be decided. */
const POLICIES: readonly (readonly string[])[] = [
  ['permit(principal, action, resource);'],
  ['permit(principal, action == Action::"get_prompt", resource);'],
  ['permit(principal, action, resource == Tool::"read");'],
  [
    'permit(principal, action, resource) when { resource.name like "*e*" };',
    'forbid(principal, action, resource == Tool::"delete");',
  ],
  ['permit(principal, action, resource) when { resource has readOnlyHint && resource.readOnlyHint };'],
  [
    'permit(principal, action, resource);',
    'forbid(principal, action, resource == Tool::"write") when { context.claim_team == "x" };',
  ],
  [
    'permit(principal, action, resource in MCP::"test") unless { resource has arg_path };',
    'forbid(principal == Client::"nobody", action, resource);',
  ],
];
const TOOLS = ['read', 'write', 'delete', 'Ünïcode "x"'];

interface Asked {
  readonly id?: string | number;
  readonly method?: string;
  readonly params?: { readonly name?: string };
}

function resultOf({ method, params }: Asked): object {
  if (method === 'initialize')
    return {
      protocolVersion: '2025-06-18',
      capabilities: { tools: {} },
      serverInfo: { name: 's', version: '1' },
    };
  if (method === 'tools/list')
    return {
      tools: TOOLS.map((name) => ({
        name,
        inputSchema: { type: 'object' },
        annotations: { readOnlyHint: name === 'read' },
      })),
    };
  return { content: [{ type: 'text', text: `called ${params?.name}` }] };
}

/** A list shows exactly what a call lets through. */
async function expectAlike(url: string, tools: readonly string[] = TOOLS): Promise<void> {
  await using mcp = await openMcpClient(url);
  const shown = (await mcp.client.listTools()).tools.map(({ name }) => name);
  for (const tool of tools) {
    const answer = await mcp.call(tool).catch((error: unknown) => String(error));
    if (shown.includes(tool)) expect(answer).toBe(`called ${tool}`);
    else expect(answer).toContain('Unauthorized');
  }
}

describe.each(POLICIES.map((policies) => [policies.join(' '), policies] as const))('%s', (_, policies) => {
  test.each(['/mcp', '/sse'])('decides lists and calls of a stdio server alike over %s', async (face) => {
    await using world = await openStdioWorld(['read', 'write', 'delete'], { policies });
    await expectAlike(world.base + face, ['read', 'write', 'delete']);
  });

  test.each(['application/json', 'text/event-stream'])(
    'and of an HTTP server that answers with %s',
    async (type) => {
      const respond = (request: Request, text: string) => {
        if (request.method !== 'POST') return new Response(null, { status: 405 });
        const asked: Asked = JSON.parse(text);
        if (asked.id === undefined) return new Response(null, { status: 202 });
        const answer = JSON.stringify({ jsonrpc: '2.0', id: asked.id, result: resultOf(asked) });
        const body = type === 'application/json' ? answer : `event: message\ndata: ${answer}\n\n`;
        return new Response(body, { headers: { 'Content-Type': type } });
      };
      await using world = await openHttpWorld(respond, { policies });
      await expectAlike(`${world.base}/mcp`);
    },
  );

  test('and of a server of HTTP+SSE', async () => {
    let stream: ReadableStreamDefaultController<string> | undefined;
    const respond = (request: Request, text: string) => {
      if (request.method === 'GET') {
        const events = new ReadableStream<string>({
          start(controller) {
            stream = controller;
            controller.enqueue('event: endpoint\ndata: /messages?sessionId=one\n\n');
          },
        });
        return new Response(events.pipeThrough(new TextEncoderStream()), {
          headers: { 'Content-Type': 'text/event-stream' },
        });
      }
      const asked: Asked = JSON.parse(text);
      if (asked.id !== undefined)
        stream?.enqueue(
          `event: message\ndata: ${JSON.stringify({ jsonrpc: '2.0', id: asked.id, result: resultOf(asked) })}\n\n`,
        );
      return new Response('Accepted', { status: 202 });
    };
    await using world = await openHttpWorld(respond, { policies }, 'sse');
    await expectAlike(`${world.base}/sse`);
  });
});
