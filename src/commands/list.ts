import * as v from 'valibot';
import { createCommand, formatFlag, groupFlag, printJson, renderTable } from '../cli/index.ts';
import type { Workload } from '../workloads/index.ts';

const LabelFilter = v.pipe(
  v.string(),
  v.check(
    (text) => text.indexOf('=') > 0,
    ({ input }) =>
      `failed to list workloads: failed to parse label filters: invalid label filter '${input}': expected key=value`,
  ),
);

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
    const workloads = await (await openWorkloads()).list({ all, labels: label, group }, { signal });
    if (format === 'json') {
      const { workloadToJson } = await import('../workloads/index.ts');
      printJson(terminal, workloads.map(workloadToJson));
    } else if (format === 'mcpservers') printJson(terminal, mcpServers(workloads));
    else terminal.out(workloads.length === 0 ? noneFound(group) : renderWorkloads(workloads));
  },
});

function noneFound(group: string | undefined): string {
  return `No MCP servers found${group === undefined ? '' : ` in group '${group}'`}\n`;
}

/** Spec 01 §5.1. */
export function renderWorkloads(workloads: readonly Workload[]): string {
  const rows = workloads.map((workload) => [
    workload.name,
    workload.process?.isConfined === false ? `${workload.package} (NOT CONFINED)` : workload.package,
    markStatus(workload.status),
    workload.url,
    String(workload.port),
    workload.group ?? '',
    goTime(workload.createdAt),
  ]);
  return renderTable([['NAME', 'PACKAGE', 'STATUS', 'URL', 'PORT', 'GROUP', 'CREATED'], ...rows]);
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
