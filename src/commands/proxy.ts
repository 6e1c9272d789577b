import { createGroup, lazily } from '../cli/index.ts';

export const proxy = createGroup('Connect MCP clients and servers that do not speak the same transport.', {
  stdio: lazily({ description: 'Connect a client on stdin and stdout to an MCP server' }, async () => {
    const { proxyStdio } = await import('./proxy-stdio.ts');
    return proxyStdio;
  }),
});
