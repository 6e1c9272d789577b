import { type Invocation, renderTable } from '../cli/index.ts';
import type { ClientSettings, ImportedServer, ImportPlan } from '../clients/index.ts';
import { messageOf, ThvError } from '../errors/index.ts';

/** What can be made of one entry of one client. */
export interface ClientPlan {
  readonly client: string;
  readonly plan: ImportPlan;
}

/** Plans for one client, those of `names` if there are any. Throws `ERR_INPUT_INVALID` for a name that cannot be imported. */
export async function plansOf(
  clients: ClientSettings,
  client: string,
  names: readonly string[],
): Promise<{ readonly path: string; readonly plans: readonly ClientPlan[] }> {
  const { path, plans } = await clients.planImport(client);
  const wanted = names.length > 0 ? names.map((name) => planNamed(plans, name, path)) : plans;
  return { path, plans: wanted.map((plan) => ({ client, plan })) };
}

/** Plans for all clients that are installed. One whose settings cannot be read is told on stderr, and the others go on. */
export async function plansOfAll(
  clients: ClientSettings,
  { err }: Invocation['terminal'],
): Promise<readonly ClientPlan[]> {
  const found: ClientPlan[] = [];
  for (const { id, installed } of await clients.detect()) {
    if (!installed) continue;
    try {
      const { plans } = await clients.planImport(id);
      found.push(...plans.map((plan) => ({ client: id, plan })));
    } catch (error) {
      err(`${id} is left out: ${messageOf(error)}\n`);
    }
  }
  return withoutRepetitions(found);
}

/** People have the same server in several clients; another one of the same name gets a name of its own. */
function withoutRepetitions(plans: readonly ClientPlan[]): readonly ClientPlan[] {
  const kept = new Map<string, ImportedServer>();
  return plans.flatMap(({ client, plan }): readonly ClientPlan[] => {
    if (!('server' in plan)) return [{ client, plan }];
    const { server } = plan;
    const present = kept.get(server.name);
    if (present !== undefined && Bun.deepEquals(present, server)) return [];
    const name = present === undefined ? server.name : `${server.name}-${client}`;
    if (kept.has(name))
      return [{ client, plan: { entry: plan.entry, reason: `there is another '${name}'` } }];
    kept.set(name, { ...server, name });
    return [{ client, plan: { ...plan, server: { ...server, name } } }];
  });
}

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

/** Names of variables and headers only: a plan may be seen by others. */
export function renderPlans(
  plans: readonly ClientPlan[],
  { withClients }: { readonly withClients: boolean },
): string {
  return renderTable([
    [...(withClients ? ['CLIENT'] : []), 'SERVER', 'WORKLOAD', 'SOURCE', 'NOTES'],
    ...plans.map(({ client, plan }) => [
      ...(withClients ? [client] : []),
      ...('server' in plan
        ? [plan.entry, plan.server.name, plan.server.source, notesOn(plan.server)]
        : [plan.entry, '-', '-', `cannot be imported: ${plan.reason}`]),
    ]),
  ]);
}

function notesOn(server: ImportedServer): string {
  const { environment, secretVariables, headers, secretHeaders, volumes, tools, leftOut } = server;
  const plain = (values: Readonly<Record<string, string>>, secrets: readonly string[]) =>
    Object.keys(values).filter((name) => !secrets.includes(name));
  const parts: readonly (readonly [string, readonly string[]])[] = [
    ['variables', plain(environment, secretVariables)],
    ['headers', plain(headers, secretHeaders)],
    ['secrets', [...secretVariables, ...secretHeaders]],
    ['volumes', volumes],
    ['tools', tools],
    ['not taken over', leftOut],
  ];
  return parts
    .flatMap(([what, names]) => (names.length > 0 ? [`${what}: ${names.join(', ')}`] : []))
    .join('; ');
}
