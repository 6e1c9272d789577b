import { createCommand, formatFlag, printJson, renderTable } from '../cli/index.ts';
import { createTokenStore, tokenToJson } from '../tokens/index.ts';

export const tokenList = createCommand({
  usage: '[flags]',
  long: 'List access tokens: what they are for and when they end. The tokens themselves are not kept.',
  flags: { format: formatFlag(['json', 'text'], 'text') },
  positionals: 'none',
  async run({ options, terminal, findPaths }) {
    const records = await createTokenStore((await findPaths()).state).list();
    const tokens = records.map((record) => tokenToJson(record));
    if (options.format === 'json') printJson(terminal, tokens);
    else if (tokens.length === 0) terminal.out('No access tokens found\n');
    else {
      const rows = tokens.map(({ name, workloads, tools, created_at, expires_at, expired }) => [
        name,
        workloads.join(','),
        tools === null ? 'all' : tools.join(','),
        created_at,
        expires_at === null ? 'never' : expired ? `${expires_at} (expired)` : expires_at,
      ]);
      const look = { terminal, shrinkable: [1, 2], droppable: [3] };
      terminal.out(renderTable([['NAME', 'WORKLOADS', 'TOOLS', 'CREATED', 'EXPIRES'], ...rows], look));
    }
  },
});
