import * as v from 'valibot';
import { createCommand, formatFlag, printJson, renderTable, type TableLook } from '../cli/index.ts';
import { within } from '../errors/index.ts';
import { entryToJson, type RegistryEntry } from '../registry/index.ts';
import { openRegistry } from './registry-open.ts';
import { shortText, starsOf } from './registry-render.ts';

export const refreshFlag = {
  kind: 'bool',
  help: 'Ask a registry API again instead of using what it said before',
  schema: v.optional(v.boolean(), false),
} as const;

export const registryList = createCommand({
  usage: '[flags]',
  long: 'List the servers of the registry in use.',
  flags: { format: formatFlag(['json', 'text'], 'text'), refresh: refreshFlag },
  positionals: 'none',
  async run(invocation) {
    const { options, signal, terminal } = invocation;
    const registry = await openRegistry(invocation);
    if (options.refresh) {
      await within('failed to refresh registry', () => registry.list({ refresh: true, signal }));
    }
    const { entries, skipped } = await within('failed to list servers', () => registry.list({ signal }));
    if (options.format === 'json') printJson(terminal, entries.map(entryToJson));
    else terminal.out(renderEntries(entries, terminal));
    if (skipped.length > 0) {
      const count = skipped.length === 1 ? '1 entry' : `${skipped.length} entries`;
      terminal.err(`${count} skipped, which this program cannot run; --debug tells why\n`);
    }
  },
});

function renderEntries(entries: readonly RegistryEntry[], terminal: TableLook['terminal']): string {
  const rows = entries.map((entry) => {
    const mark = entry.status.toLowerCase() === 'deprecated' ? '**DEPRECATED** ' : '';
    return [entry.name, entry.kind, shortText(`${mark}${entry.description}`), entry.tier, starsOf(entry)];
  });
  return renderTable([['NAME', 'TYPE', 'DESCRIPTION', 'TIER', 'STARS'], ...rows], {
    terminal,
    shrinkable: [2],
  });
}
