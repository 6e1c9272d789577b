import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import {
  type CallToolResult,
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  ListRootsRequestSchema,
  type LoggingMessageNotification,
  LoggingMessageNotificationSchema,
  ResourceUpdatedNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js';

/** A connected client of the official SDK that can sample, elicit, and list roots, and remembers log notifications. */
export interface McpClient extends AsyncDisposable {
  readonly client: Client;
  readonly logged: readonly LoggingMessageNotification['params'][];
  /** URIs of the updates received. */
  readonly updated: readonly string[];
  /** `Mcp-Session-Id`; `undefined` on SSE. */
  readonly sessionId: string | undefined;
  /** Text of the first content item of a tool's result. */
  call(tool: string, args?: Record<string, unknown>): Promise<string>;
}

/** The transport follows from the URL: `…/sse` or anything else. What the handlers answer is what the suites look for. */
export async function openMcpClient(url: string): Promise<McpClient> {
  const client = new Client(
    { name: 'thv-test', version: '1.0.0' },
    { capabilities: { sampling: {}, elicitation: {}, roots: { listChanged: true } } },
  );
  const logged: LoggingMessageNotification['params'][] = [];
  client.setRequestHandler(CreateMessageRequestSchema, ({ params }) => ({
    role: 'assistant',
    model: 'test-model',
    content: { type: 'text', text: `sampled ${params.maxTokens} tokens` },
  }));
  client.setRequestHandler(ElicitRequestSchema, () => ({
    action: 'accept',
    content: { name: 'Ada Lovelace', check: true, integer: 7 },
  }));
  client.setRequestHandler(ListRootsRequestSchema, () => ({
    roots: [{ uri: 'file:///a/root', name: 'a root' }],
  }));
  client.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => {
    logged.push(params);
  });
  const updated: string[] = [];
  client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => {
    updated.push(params.uri);
  });

  const address = new URL(url);
  const transport = /\/sse$/.test(address.pathname)
    ? new SSEClientTransport(address)
    : new StreamableHTTPClientTransport(address);
  await client.connect(transport as Transport);
  return {
    client,
    logged,
    updated,
    get sessionId() {
      return transport instanceof StreamableHTTPClientTransport ? transport.sessionId : undefined;
    },
    async call(tool, args) {
      const result = (await client.callTool({ name: tool, arguments: args ?? {} })) as CallToolResult;
      const [first] = result.content;
      if (first?.type !== 'text') throw new Error(`${tool} answered ${JSON.stringify(result)}`);
      return first.text;
    },
    async [Symbol.asyncDispose]() {
      if (transport instanceof StreamableHTTPClientTransport) await transport.terminateSession();
      await client.close();
    },
  };
}
