import { createCommand, formatFlag, printJson, renderTable } from '../cli/index.ts';
import { within } from '../errors/index.ts';
import type { NetworkAttempts } from '../runtimes/index.ts';
import type { Workload } from '../workloads/index.ts';
import { completeWorkloadName } from './workload-names.ts';

export const status = createCommand({
  usage: 'NAME [flags]',
  long: 'Show the state of one MCP server: its status, URL, transport and how long it has been running.',
  flags: { format: formatFlag(['json', 'text'], 'text') },
  positionals: { exactly: 1 },
  complete: completeWorkloadName,
  async run({ options, words: [name = ''], signal, terminal, openWorkloads }) {
    const [workload, attempts] = await within('failed to get workload status', async () => {
      const workloads = await openWorkloads();
      return [await workloads.get(name, { signal }), await workloads.networkAttempts(name)] as const;
    });
    const refused = attempts.filter(({ verdict }) => verdict === 'refused');
    if (options.format === 'json') printJson(terminal, jsonStatus(workload, new Date(), refused));
    else terminal.out(renderStatus(workload, new Date(), refused));
  },
});

/** Spec 01 §5.2; lines without a value are left out. */
export function renderStatus(
  workload: Workload,
  now: Date,
  refused: readonly NetworkAttempts[] = [],
): string {
  const lines: readonly (readonly [string, string | undefined])[] = [
    ['Name:', workload.name],
    ['Status:', workload.status],
    ['Health:', workload.statusContext || undefined],
    ['Package:', workload.package],
    ['URL:', workload.url],
    ['Port:', String(workload.port)],
    ['Transport:', workload.transport],
    ['Proxy Mode:', workload.proxyMode],
    ['Group:', workload.group || undefined],
    ['Created:', workload.createdAt.toISOString().slice(0, 19).replace('T', ' ')],
    ['Remote:', workload.remote ? 'true' : undefined],
    ['Runtime:', workload.process === undefined ? undefined : 'process'],
    ['Sandbox:', workload.process?.isConfined === false ? 'none, it has all rights of its user' : undefined],
    ['JavaScript:', jsRuntimeOf(workload)],
    ['Scripts:', heldBackOf(workload)],
    ['Limits:', limitsOf(workload)],
    ...(workload.weaknesses ?? []).map((weakness) => ['Weakness:', weakness] as const),
    ['Network:', refusedLine(refused, workload.name)],
    ['Uptime:', uptime(workload, now)],
  ];
  return renderTable(lines.flatMap(([label, value]) => (value === undefined ? [] : [[label, value]])));
}

/** `Node.js 22.11.0 (/usr/bin/node): it is on this machine and fits the package` */
function jsRuntimeOf({ jsRuntime }: Workload): string | undefined {
  if (jsRuntime === undefined) return undefined;
  const { name, version, path, reason } = jsRuntime;
  return `${name === 'node' ? 'Node.js' : 'Bun'} ${version} (${path ?? 'built in'}): ${reason}`;
}

/** `12 refused connections, the last to evil.test:443 ('thv logs fetch --network' shows them)` */
function refusedLine(refused: readonly NetworkAttempts[], name: string): string | undefined {
  const [last] = refused;
  if (last === undefined) return undefined;
  const total = sumOf(refused);
  const target = last.host === '*' ? 'many hosts' : `${last.host}${last.port === 0 ? '' : `:${last.port}`}`;
  return `${total} refused ${total === 1 ? 'connection' : 'connections'}, the last to ${target} ('thv logs ${name} --network' shows ${total === 1 ? 'it' : 'them'})`;
}

function sumOf(attempts: readonly NetworkAttempts[]): number {
  return attempts.reduce((sum, { count }) => sum + count, 0);
}

function heldBackOf({ heldBack = [] }: Workload): string | undefined {
  return heldBack.length === 0
    ? undefined
    : `not run of ${heldBack.join(', ')}: --allow-install-scripts runs them`;
}

/** `memory 4g (control group), pids 2048 (resource limit)` */
function limitsOf({ limits = {} }: Workload): string | undefined {
  const given = Object.entries(limits).flatMap(([name, held]) =>
    held === undefined ? [] : [`${name} ${held.limit} (${held.held_by})`],
  );
  return given.length === 0 ? undefined : given.join(', ');
}

export function jsonStatus(workload: Workload, now: Date, refused: readonly NetworkAttempts[] = []) {
  const {
    statusContext,
    proxyMode,
    group,
    limits = {},
    weaknesses = [],
    jsRuntime,
    heldBack = [],
  } = workload;
  const running = uptime(workload, now);
  return {
    name: workload.name,
    status: workload.status,
    ...(statusContext ? { health: statusContext } : {}),
    package: workload.package,
    url: workload.url,
    port: workload.port,
    transport: workload.transport,
    ...(proxyMode ? { proxy_mode: proxyMode } : {}),
    ...(group ? { group } : {}),
    ...(workload.process === undefined ? {} : { runtime: 'process', confined: workload.process.isConfined }),
    ...(jsRuntime === undefined ? {} : { js_runtime: jsRuntime }),
    ...(heldBack.length > 0 ? { held_back: heldBack } : {}),
    ...(Object.keys(limits).length > 0 ? { limits } : {}),
    ...(weaknesses.length > 0 ? { weaknesses } : {}),
    ...(refused.length > 0 ? { refused_connections: sumOf(refused) } : {}),
    ...(running === undefined ? {} : { uptime: running }),
  };
}

/** `1d 2h 3m`, `2h 3m` or `3m` since the container started; `undefined` when it does not run. */
function uptime({ status: state, startedAt }: Workload, now: Date): string | undefined {
  if (startedAt === undefined || state === 'stopped') return undefined;
  const minutes = Math.max(0, Math.floor((now.getTime() - startedAt.getTime()) / 60_000));
  const [days, hours] = [Math.floor(minutes / 1440), Math.floor((minutes % 1440) / 60)];
  if (days > 0) return `${days}d ${hours}h ${minutes % 60}m`;
  return hours > 0 ? `${hours}h ${minutes % 60}m` : `${minutes % 60}m`;
}
