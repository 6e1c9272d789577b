import * as v from 'valibot';
import { createCommand, type Invocation, type OptionsOf, ownGroupFlag } from '../cli/index.ts';
import type { ImportedServer } from '../clients/index.ts';
import { messageOf, ThvError } from '../errors/index.ts';
import { parseNewWorkloadName } from '../records/index.ts';
import { requestFor } from '../workloads/index.ts';
import { askYesNo, chooseSeveral } from './choose.ts';
import { completeClient, openClientSettings } from './client-settings.ts';
import { type ClientPlan, plansOf, plansOfAll, renderPlans } from './import-plans.ts';
import { storeSecrets } from './import-secrets.ts';
import { confirm, createProgress } from './progress.ts';

const CANCELLED = 'Import cancelled. Nothing was changed.\n';

const flags = {
  as: { kind: 'string', help: 'Name of the workload, for a single server', schema: v.optional(v.string()) },
  group: ownGroupFlag,
  'plain-secrets': {
    kind: 'bool',
    help: 'Keep values that look like secrets as plain variables instead of in the secrets store',
    schema: v.optional(v.boolean(), false),
  },
  yes: { kind: 'bool', shorthand: 'y', help: 'Do not ask', schema: v.optional(v.boolean(), false) },
} as const;

type Import = Invocation<OptionsOf<typeof flags>>;

export const clientImport = createCommand({
  usage: '[CLIENT [SERVER...]] [flags]',
  long: `Show the servers in the settings of MCP clients, and turn those you choose into workloads. Without a
client, those of all that are installed are shown.

Servers that are started with npx, uvx, go run or docker run, and servers with a URL, can be taken over.
Values that look like secrets go to the secrets store. What cannot be taken over is named. The clients'
settings stay as they are, until a client is registered and a workload takes the place of the entry of its
name.

On a terminal the servers are chosen from a list. Otherwise name them and add --yes, or --yes alone for
all of all clients; without it the command tells what it would do.`,
  examples: `
  thv client import
  thv client import cursor
  thv client import claude-code github fetch --yes
  thv client import cursor 天気 --as weather`,
  flags,
  positionals: 'any',
  complete: completeClient,
  run: importServers,
});

async function importServers(invocation: Import): Promise<void> {
  const { options, terminal, words } = invocation;
  const [client, ...names] = words;
  if (options.as !== undefined && names.length !== 1)
    throw new ThvError('ERR_USAGE', { reason: '--as needs a client and the name of one server' });
  const name = options.as === undefined ? undefined : parseNewWorkloadName(options.as);
  const clients = await openClientSettings(invocation);
  const { path, plans } =
    client === undefined
      ? { path: 'the settings of installed clients', plans: await plansOfAll(clients, terminal) }
      : await plansOf(clients, client, names);
  if (client !== undefined && options.yes && names.length === 0)
    throw new ThvError('ERR_USAGE', { reason: '--yes needs the names of the servers to import' });
  if (plans.length === 0) return void terminal.out(`No servers found in ${path}\n`);
  const named = name === undefined ? plans : plans.map((plan) => renamed(plan, name));
  const servers = options.yes
    ? named.flatMap(serverIn)
    : await chooseServers(invocation, named, {
        areNamed: names.length > 0,
        withClients: client === undefined,
      });
  if (servers === 'shown') return;
  if (servers === undefined) return void terminal.out(CANCELLED);
  if (servers.length === 0) return void terminal.out('No servers selected. Nothing was changed.\n');
  await runServers(invocation, servers);
}

function renamed({ client, plan }: ClientPlan, name: string): ClientPlan {
  return { client, plan: 'server' in plan ? { ...plan, server: { ...plan.server, name } } : plan };
}

function serverIn({ plan }: ClientPlan): readonly ImportedServer[] {
  return 'server' in plan ? [plan.server] : [];
}

/** Asks a person; shows anybody else the plan. `undefined` when the person gives up. */
async function chooseServers(
  { signal, terminal }: Import,
  plans: readonly ClientPlan[],
  { areNamed, withClients }: { readonly areNamed: boolean; readonly withClients: boolean },
): Promise<readonly ImportedServer[] | 'shown' | undefined> {
  terminal.out(renderPlans(plans, { withClients }));
  const servers = plans.flatMap(serverIn);
  if (!terminal.stdinIsTty || !terminal.stdoutIsTty) {
    terminal.err(
      withClients
        ? 'Nothing was changed. Add --yes to import them, or name a client and its servers.\n'
        : 'Nothing was changed. Name the servers to import and add --yes.\n',
    );
    return 'shown';
  }
  if (servers.length === 0) return [];
  if (areNamed) return (await askYesNo('Import these servers?', { signal })) ? servers : undefined;
  const choices = servers.map(({ name, source }) => ({ value: name, label: name, hint: source }));
  const chosen = await chooseSeveral(terminal, 'Which servers do you want to import?', choices, { signal });
  return chosen && servers.filter(({ name }) => chosen.includes(name));
}

/** One failure stops none of the others. */
async function runServers(invocation: Import, servers: readonly ImportedServer[]): Promise<void> {
  const { debug, options, signal, terminal } = invocation;
  const workloads = await invocation.openWorkloads();
  using progress = createProgress(terminal);
  const failures: string[] = [];
  for (const server of servers) {
    try {
      const secrets = await storeSecrets(invocation, server, options.plainSecrets);
      const request = requestFor(server, { group: options.group, debug, secrets });
      const { name, url } = await workloads.run(request, { signal, progress });
      progress.update('');
      confirm(terminal, `${name} is starting at ${url}`);
    } catch (error) {
      signal.throwIfAborted();
      failures.push(`failed to import ${server.name}: ${messageOf(error)}`);
    }
  }
  if (failures.length > 0) throw new ThvError('ERR_WORKLOADS_FAILED', { reason: failures.join('\n') });
}
