import { createGroup, lazily } from '../cli/index.ts';

export const runtime = createGroup('Look after the container runtime that runs MCP servers.', {
  check: lazily({ description: 'Check that a container runtime answers' }, async () => {
    const { runtimeCheck } = await import('./runtime-check.ts');
    return runtimeCheck;
  }),
});
