import * as v from 'valibot';
import { createCommand, type Invocation, type OptionsOf } from '../cli/index.ts';
import { ThvError } from '../errors/index.ts';
import { createProgress } from './progress.ts';
import { completeWorkloadName } from './workload-names.ts';

const Port = (flag: string, usual: number) =>
  v.optional(
    v.pipe(
      v.number(),
      v.check(
        (port) => port >= 1 && port <= 65_535,
        ({ input }) => `invalid value for --${flag}: ${input} (must be between 1 and 65535)`,
      ),
    ),
    usual,
  );

const flags = {
  'ui-port': {
    kind: 'int',
    shorthand: 'u',
    help: 'Port for the MCP Inspector UI',
    schema: Port('ui-port', 6274),
  },
  'mcp-proxy-port': {
    kind: 'int',
    shorthand: 'p',
    help: 'Port for the proxy of the MCP Inspector',
    schema: Port('mcp-proxy-port', 6277),
  },
} as const;

export const inspector = createCommand({
  usage: 'WORKLOAD [flags]',
  long: `Run the MCP Inspector UI in a container and point it at a running MCP server.

Prints the URL of the page once it is served. The Inspector goes on as the workload
'inspector'; 'thv rm inspector' ends it. TOOLHIVE_INSPECTOR_IMAGE names another image
to run, for machines that cannot reach the registry of the usual one.`,
  examples: `
  thv inspector fetch
  thv inspector fetch --ui-port 7274 --mcp-proxy-port 7277`,
  flags,
  positionals: { exactly: 1 },
  complete: completeWorkloadName,
  run: inspect,
});

async function inspect({
  options: { uiPort, mcpProxyPort },
  words: [name = ''],
  signal,
  terminal,
  openWorkloads,
}: Invocation<OptionsOf<typeof flags>>): Promise<void> {
  if (uiPort === mcpProxyPort) {
    const reason = `--ui-port and --mcp-proxy-port must differ, got ${uiPort} for both`;
    throw new ThvError('ERR_INPUT_INVALID', { reason });
  }
  using progress = createProgress(terminal);
  const workloads = await openWorkloads();
  const url = await workloads.inspect(name, { uiPort, mcpProxyPort }, { signal, progress });
  terminal.out(`Inspector UI is now available at ${url}\n`);
}
