import * as v from 'valibot';
import {
  createCommand,
  formatFlag,
  groupFlag,
  parsed,
  printJson,
  renderTable,
  type TableLook,
} from '../cli/index.ts';
import { parseLabelFilter } from '../records/index.ts';
import type { Workload } from '../workloads/index.ts';

const LabelFilter = parsed(parseLabelFilter, 'failed to list workloads');

export const list = createCommand({
  usage: '[flags]',
  long: `List the MCP servers that ToolHive manages, with the URLs that clients connect to.

Without --all, only those that are running.`,
  examples: `
  thv list
  thv list --all --format json
  thv list --label team=web --format mcpservers`,
  flags: {
    all: {
      kind: 'bool',
      shorthand: 'a',
      help: 'Show all workloads (default shows just running)',
      schema: v.optional(v.boolean(), false),
    },
    format: formatFlag(['json', 'text', 'mcpservers'], 'text'),
    label: {
      kind: 'stringArray',
      shorthand: 'l',
      help: 'Filter workloads by labels (format: key=value)',
      schema: v.optional(v.array(LabelFilter), []),
    },
    group: groupFlag,
  },
  positionals: 'none',
  async run({ options, signal, terminal, openWorkloads }) {
    const { all, label, format } = options;
    const group = options.group === '' ? undefined : options.group;
    const known = await (await openWorkloads()).list({ all: true, labels: label, group }, { signal });
    const shown = all ? known : known.filter(({ status }) => LISTED.has(status));
    if (format === 'json') {
      const { workloadToJson } = await import('../workloads/index.ts');
      printJson(terminal, shown.map(workloadToJson));
    } else if (format === 'mcpservers') printJson(terminal, mcpServers(shown));
    else {
      if (shown.length === 0) terminal.out(noneFound(group));
      else terminal.out(renderWorkloads(shown, terminal), terminal.hasColours ? 'own' : undefined);
      const notice = noticeOf(known.filter((workload) => !shown.includes(workload)));
      if (notice !== undefined) terminal.err(`${notice}. Hint: 'thv list --all' shows every server\n`);
    }
  },
});

/** What `thv list` shows without `--all` (spec 01 §5.1). */
const LISTED: ReadonlySet<string> = new Set(['running', 'auth_retrying']);

/** Mentions hidden workloads that the user may look for: those that are starting or failed. Stopped ones are not mentioned. */
function noticeOf(hidden: readonly Workload[]): string | undefined {
  const news = hidden.filter(({ status }) => !QUIET.has(status));
  if (news.length === 0) return undefined;
  const [first] = news;
  if (first !== undefined && news.length === 1)
    return `${first.name} ${first.status === 'error' ? 'has failed' : `is ${wordFor(first.status)}`}`;
  const counts = Map.groupBy(news, ({ status }) => status);
  return `not running: ${[...counts].map(([status, { length }]) => `${length} ${wordFor(status)}`).join(', ')}`;
}

const QUIET: ReadonlySet<string> = new Set(['stopped', 'stopping', 'removing']);

function wordFor(status: string): string {
  if (status === 'error') return 'failed';
  return status === 'policy_stopped' ? 'stopped by policy' : status;
}

function noneFound(group: string | undefined): string {
  return `No MCP servers found${group === undefined ? '' : ` in group '${group}'`}\n`;
}

/** Spec 01 §5.1; on a terminal as wide as that is. */
export function renderWorkloads(
  workloads: readonly Workload[],
  terminal: TableLook['terminal'] = { columns: undefined, hasColours: false },
): string {
  const rows = workloads.map((workload) => [
    workload.name,
    workload.process?.isConfined === false ? `${workload.package} (NOT CONFINED)` : workload.package,
    markStatus(workload.status),
    workload.url,
    String(workload.port),
    workload.group ?? '',
    goTime(workload.createdAt),
  ]);
  return renderTable([['NAME', 'PACKAGE', 'STATUS', 'URL', 'PORT', 'GROUP', 'CREATED'], ...rows], {
    terminal,
    shrinkable: [1, 6],
    // The port stands in the URL, too.
    droppable: [4, 6, 5],
    paint: (cell, column) => (column === 2 ? paintStatus(cell) : cell),
  });
}

const COLOURS = { green: 32, yellow: 33, red: 31, grey: 90 } as const;
const STATUS_COLOURS: Readonly<Record<string, keyof typeof COLOURS>> = {
  running: 'green',
  starting: 'yellow',
  auth_retrying: 'yellow',
  stopping: 'grey',
  removing: 'grey',
  stopped: 'grey',
};

function paintStatus(cell: string): string {
  const colour = STATUS_COLOURS[/[a-z_]+/.exec(cell)?.[0] ?? ''] ?? 'red';
  return `\u001b[${COLOURS[colour]}m${cell}\u001b[0m`;
}

const MARKS: Readonly<Record<string, string>> = {
  unauthenticated: '⚠️  ',
  auth_retrying: '🔄 ',
  policy_stopped: '🚫 ',
};

function markStatus(status: string): string {
  return `${MARKS[status] ?? ''}${status}`;
}

/** The shape that MCP clients read from their settings. */
export function mcpServers(workloads: readonly Workload[]) {
  const entries = workloads
    .toSorted((one, other) => (one.name < other.name ? -1 : 1))
    .map(({ name, proxyMode, transport, url }) => [name, { type: proxyMode ?? transport, url }]);
  return { mcpServers: Object.fromEntries(entries) };
}

/** `2026-08-21T10:00:00Z`, with a fraction only when there is one. */
function rfc3339(time: Date): string {
  return time.toISOString().replace(/\.?0*Z$/, 'Z');
}

/** Go's `time.Time.String()` in UTC: `2026-08-21 10:00:00 +0000 UTC`. */
function goTime(time: Date): string {
  return rfc3339(time).replace('T', ' ').replace('Z', ' +0000 UTC');
}
