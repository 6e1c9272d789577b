import { createCommand, type Invocation } from '../cli/index.ts';
import type { ClientStatus } from '../clients/index.ts';
import { createGroupStore, ensureDefaultGroup } from '../groups/index.ts';
import { chooseSeveral } from './choose.ts';
import { openClientSettings, tellOfTokens, tellRegistered, warnOfDiscontinued } from './client-settings.ts';
import { confirm } from './progress.ts';

const CANCELLED = 'Setup cancelled. No clients registered.\n';

export const clientSetup = createCommand({
  usage: '[flags]',
  long: `Choose, among the MCP clients that are installed, which to register.

Arrows or j and k move, space ticks, enter goes on, q or Ctrl-C gives up.`,
  flags: {},
  positionals: 'none',
  async run(invocation) {
    const { signal, terminal } = invocation;
    const clients = await openClientSettings(invocation);
    const installed = (await clients.detect()).filter((client) => client.installed);
    if (installed.length === 0) return void terminal.out('No new clients found.\n');
    const groups = await chooseGroups(invocation);
    if (groups === undefined) return void terminal.out(CANCELLED);
    const groupsOf = new Map((await clients.registrations()).map(({ id, groups: of }) => [id, of]));
    const offered = installed.filter(({ id }) => !groups.every((name) => groupsOf.get(id)?.includes(name)));
    if (offered.length === 0) {
      terminal.out('All installed clients are already registered for the selected groups.\n');
      return;
    }
    const chosen = await chooseSeveral(
      terminal,
      'Which clients do you want to register?',
      choicesOf(offered),
      {
        signal,
      },
    );
    if (chosen === undefined) return void terminal.out(CANCELLED);
    if (chosen.length === 0) return void terminal.out('No clients selected for registration.\n');
    const manager = await invocation.openWorkloads();
    const outcomes = await manager.registerClients(chosen, groups, { signal });
    warnOfDiscontinued(chosen, terminal);
    tellRegistered(outcomes, terminal);
    await tellOfTokens(manager, groups, terminal);
    confirm(terminal, `registered: ${chosen.join(', ')}`);
  },
});

/** A single group needs no choice. */
async function chooseGroups({
  findPaths,
  signal,
  terminal,
}: Invocation): Promise<readonly string[] | undefined> {
  const { state } = await findPaths();
  await ensureDefaultGroup(state);
  const names = await createGroupStore(state).names();
  if (names.length <= 1) return names;
  const choices = names.map((name) => ({ value: name, label: name }));
  return chooseSeveral(terminal, 'Which groups should the clients see?', choices, { signal, required: true });
}

function choicesOf(clients: readonly ClientStatus[]) {
  return clients.map(({ id, displayName }) => ({ value: id, label: id, hint: displayName }));
}
