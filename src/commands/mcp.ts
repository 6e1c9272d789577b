import { createGroup, lazily } from '../cli/index.ts';

const load = () => import('./mcp-list.ts');

export const mcp = createGroup(
  `Look into MCP servers and call their tools, to try them out and to find faults.

The server is a workload's name or a URL.`,
  {
    list: lazily({ description: 'List the tools, resources and prompts of an MCP server' }, async () => {
      const { mcpList } = await load();
      return mcpList;
    }),
    call: lazily({ description: 'Call a tool of an MCP server' }, async () => {
      const { mcpCall } = await import('./mcp-call.ts');
      return mcpCall;
    }),
  },
);
