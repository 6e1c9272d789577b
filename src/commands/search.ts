import { createCommand, formatFlag, printJson, renderTable } from '../cli/index.ts';
import { within } from '../errors/index.ts';
import { entryToJson } from '../registry/index.ts';
import { openRegistry } from './registry-open.ts';
import { shortText, starsOf } from './registry-render.ts';

export const search = createCommand({
  usage: 'QUERY [flags]',
  long: 'Search the servers of the registry in use: by name, description or tag, whatever their case.',
  flags: { format: formatFlag(['json', 'text'], 'text') },
  positionals: { exactly: 1 },
  async run(invocation) {
    const { options, words, signal, terminal } = invocation;
    const query = words[0] ?? '';
    const registry = await openRegistry(invocation);
    const found = await within('failed to search servers', () => registry.search(query, { signal }));
    if (options.format === 'json') return printJson(terminal, found.map(entryToJson));
    if (found.length === 0) return void terminal.out(`No servers found matching query: ${query}\n`);
    const rows = found.map((entry) => [
      entry.name,
      entry.kind,
      shortText(entry.description),
      entry.transport,
      starsOf(entry),
    ]);
    terminal.out(`Found ${found.length} servers matching query: ${query}\n`);
    terminal.out(
      renderTable([['NAME', 'TYPE', 'DESCRIPTION', 'TRANSPORT', 'STARS'], ...rows], {
        terminal,
        shrinkable: [2],
      }),
    );
  },
});
