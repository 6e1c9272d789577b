import * as v from 'valibot';
import { createCommand, formatFlag, printJson } from '../cli/index.ts';
import { isReservedName, type SecretEntry, scopeOf, userSecrets } from '../secrets/index.ts';
import { naming, openSecrets } from './secret-store.ts';

export const secretList = createCommand({
  usage: '[flags]',
  long: 'List the names of all secrets; values are never shown.',
  flags: {
    system: {
      kind: 'bool',
      help: 'List what the program keeps for itself',
      schema: v.optional(v.boolean(), false),
    },
    format: formatFlag(['json', 'text'], 'text'),
  },
  positionals: 'none',
  async run(invocation) {
    const { options, terminal } = invocation;
    const store = await openSecrets(invocation);
    const entries = await naming('failed to list secrets', async () =>
      options.system
        ? (await store.list()).filter(({ key }) => isReservedName(key))
        : userSecrets(store).list(),
    );
    if (options.format === 'json') printJson(terminal, options.system ? entries.map(withScope) : entries);
    else terminal.out(options.system ? renderSystem(entries) : render(entries));
  },
});

function render(entries: readonly SecretEntry[]): string {
  if (entries.length === 0) return 'No secrets found\n';
  const lines = entries.map(
    ({ key, description }) => `  - ${key}${description === undefined ? '' : ` (${description})`}\n`,
  );
  return `Available secrets:\n${lines.join('')}`;
}

function renderSystem(entries: readonly SecretEntry[]): string {
  if (entries.length === 0) return 'No system-managed secrets found\n';
  const lines = entries.map(({ key }) => `  - ${key}  [${scopeOf(key) ?? 'unknown'}]\n`);
  return `System-managed secrets:\n${lines.join('')}`;
}

function withScope(entry: SecretEntry) {
  return { ...entry, scope: scopeOf(entry.key) ?? 'unknown' };
}
