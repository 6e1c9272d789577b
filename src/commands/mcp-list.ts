import { createCommand, type Invocation, lazily, type OptionsOf, printJson } from '../cli/index.ts';
import { ThvError } from '../errors/index.ts';
import { type Listing, renderListing } from './mcp-render.ts';
import { findServerUrl, serverFlags } from './mcp-server-flags.ts';
import { authorizationIn } from './token-in-environment.ts';

const KINDS = ['tools', 'resources', 'prompts'] as const;
type Kind = (typeof KINDS)[number];

export const mcpList = createCommand(
  {
    usage: '[tools|resources|prompts] [flags]',
    long: 'List what an MCP server offers: its tools, resources and prompts.',
    examples: `
  thv mcp list --server fetch
  thv mcp list tools --server http://127.0.0.1:14001/mcp --format json`,
    flags: serverFlags,
    positionals: 'none',
    run: (invocation) => printOfferings(invocation, KINDS),
  },
  {
    tools: lazily({ description: 'List the tools of an MCP server' }, async () => createListCommand('tools')),
    resources: lazily({ description: 'List the resources of an MCP server' }, async () =>
      createListCommand('resources'),
    ),
    prompts: lazily({ description: 'List the prompts of an MCP server' }, async () =>
      createListCommand('prompts'),
    ),
  },
);

function createListCommand(kind: Kind) {
  return createCommand({
    usage: '[flags]',
    long: `List the ${kind} of an MCP server.`,
    flags: serverFlags,
    positionals: 'none',
    run: (invocation) => printOfferings(invocation, [kind]),
  });
}

async function printOfferings(
  invocation: Invocation<OptionsOf<typeof serverFlags>>,
  kinds: readonly Kind[],
): Promise<void> {
  const { options, signal, terminal, openLog } = invocation;
  const url = await findServerUrl(options.server, invocation);
  const [{ connectMcp, describeFailure }, { listOfferings }] = await Promise.all([
    import('./mcp-client.ts'),
    import('./mcp-offerings.ts'),
  ]);
  await using connection = await connectMcp({
    url,
    transport: options.transport,
    authorization: authorizationIn(invocation.env),
    timeoutMs: options.timeout,
    signal,
  });
  const listing: { -readonly [Key in Kind]?: Listing[Key] } = {};
  for (const kind of kinds) {
    try {
      const { items, oddities } = await listOfferings(kind, connection);
      listing[kind] = items;
      for (const oddity of oddities)
        (await openLog()).warn(`the server lists its ${kind} in an odd way`, { problem: oddity });
    } catch (error) {
      signal.throwIfAborted();
      const reason = describeFailure(error, connection);
      if (kinds.length === 1) {
        throw new ThvError(
          'ERR_MCP_REQUEST',
          { reason: `failed to list ${kind}: ${reason}` },
          { cause: error },
        );
      }
      (await openLog()).warn(`failed to list ${kind}`, { error: reason });
      listing[kind] = [];
    }
  }
  if (options.format === 'json') printJson(terminal, listing);
  else terminal.out(renderListing(listing));
}
