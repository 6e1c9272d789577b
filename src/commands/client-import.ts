import * as v from 'valibot';
import { createCommand, type Invocation, type OptionsOf, ownGroupFlag, renderTable } from '../cli/index.ts';
import type { ImportedServer, ImportPlan } from '../clients/index.ts';
import { messageOf, ThvError } from '../errors/index.ts';
import { requestFor } from '../workloads/index.ts';
import { askYesNo, chooseSeveral } from './choose.ts';
import { completeClient, openClientSettings } from './client-settings.ts';
import { storeSecrets } from './import-secrets.ts';
import { confirm, createProgress } from './progress.ts';

const CANCELLED = 'Import cancelled. Nothing was changed.\n';

const flags = {
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
  usage: 'CLIENT [SERVER...] [flags]',
  long: `Show the servers in an MCP client's settings, and turn those you choose into workloads.

Servers that are started with npx, uvx, go run or docker run, and servers with a URL, can be taken over.
Values that look like secrets go to the secrets store. The client's settings stay as they are, until the
client is registered and a workload takes the place of the entry of its name.

On a terminal the servers are chosen from a list. Otherwise name them and add --yes; without it the
command tells what it would do.`,
  examples: `
  thv client import cursor
  thv client import claude-code github fetch --yes`,
  flags,
  positionals: { atLeast: 1 },
  complete: completeClient,
  run: importServers,
});

async function importServers(invocation: Import): Promise<void> {
  const { options, terminal, words } = invocation;
  const [client = '', ...names] = words;
  const { path, plans } = await (await openClientSettings(invocation)).planImport(client);
  if (options.yes && names.length === 0)
    throw new ThvError('ERR_USAGE', { reason: '--yes needs the names of the servers to import' });
  const named = names.length > 0 ? names.map((name) => planNamed(plans, name, path)) : plans;
  if (named.length === 0) return void terminal.out(`No servers found in ${path}\n`);
  const servers = options.yes
    ? named.flatMap(serverIn)
    : await chooseServers(invocation, named, names.length > 0);
  if (servers === 'shown') return;
  if (servers === undefined) return void terminal.out(CANCELLED);
  if (servers.length === 0) return void terminal.out('No servers selected. Nothing was changed.\n');
  await runServers(invocation, servers);
}

/** Throws `ERR_INPUT_INVALID` for a server that is not there, or of which no workload can be made. */
function planNamed(plans: readonly ImportPlan[], name: string, path: string): ImportPlan {
  const plan = plans.find(({ entry }) => entry === name);
  if (plan === undefined) {
    const known = plans.map(({ entry }) => entry).join(', ');
    throw new ThvError(
      'ERR_INPUT_INVALID',
      { reason: `no server '${name}' in ${path}` },
      { hint: known === '' ? 'there are none in it' : `there are: ${known}` },
    );
  }
  if ('reason' in plan)
    throw new ThvError('ERR_INPUT_INVALID', { reason: `'${name}' cannot be imported: ${plan.reason}` });
  return plan;
}

function serverIn(plan: ImportPlan): readonly ImportedServer[] {
  return 'server' in plan ? [plan.server] : [];
}

/** Asks a person; shows anybody else the plan. `undefined` when the person gives up. */
async function chooseServers(
  { signal, terminal }: Import,
  plans: readonly ImportPlan[],
  areNamed: boolean,
): Promise<readonly ImportedServer[] | 'shown' | undefined> {
  terminal.out(renderPlan(plans));
  const servers = plans.flatMap(serverIn);
  if (!terminal.stdinIsTty || !terminal.stdoutIsTty) {
    terminal.err('Nothing was changed. Name the servers to import and add --yes.\n');
    return 'shown';
  }
  if (servers.length === 0) return [];
  if (areNamed) return (await askYesNo('Import these servers?', { signal })) ? servers : undefined;
  const choices = servers.map(({ name, source }) => ({ value: name, label: name, hint: source }));
  const chosen = await chooseSeveral(terminal, 'Which servers do you want to import?', choices, { signal });
  return chosen && servers.filter(({ name }) => chosen.includes(name));
}

/** Names of variables only: a plan may be seen by others. */
function renderPlan(plans: readonly ImportPlan[]): string {
  return renderTable([
    ['SERVER', 'WORKLOAD', 'SOURCE', 'NOTES'],
    ...plans.map((plan) =>
      'server' in plan
        ? [plan.entry, plan.server.name, plan.server.source, notesOn(plan.server)]
        : [plan.entry, '-', '-', `cannot be imported: ${plan.reason}`],
    ),
  ]);
}

function notesOn({ environment, secretVariables, volumes }: ImportedServer): string {
  const plain = Object.keys(environment).filter((variable) => !secretVariables.includes(variable));
  return [
    ...(plain.length > 0 ? [`variables: ${plain.join(', ')}`] : []),
    ...(secretVariables.length > 0 ? [`secrets: ${secretVariables.join(', ')}`] : []),
    ...(volumes.length > 0 ? [`volumes: ${volumes.join(', ')}`] : []),
  ].join('; ');
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
