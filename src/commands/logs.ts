import * as v from 'valibot';
import { createCommand, formatFlag, type Invocation, lazily, type OptionsOf } from '../cli/index.ts';
import { ThvError } from '../errors/index.ts';
import { followFile } from '../platform/index.ts';
import { pruneLogs } from './logs-prune.ts';
import { completeWorkloadName } from './workload-names.ts';

const flags = {
  follow: {
    kind: 'bool',
    shorthand: 'f',
    help: 'Follow log output until interrupted',
    schema: v.optional(v.boolean(), false),
  },
  proxy: {
    kind: 'bool',
    shorthand: 'p',
    help: "Show the workload's own log (proxy, health, restarts) instead of the container's output",
    schema: v.optional(v.boolean(), false),
  },
  network: {
    kind: 'bool',
    help: 'Show what the server tried to reach and was refused, and what would allow it',
    schema: v.optional(v.boolean(), false),
  },
  format: formatFlag(['json', 'text'], 'text'),
  audit: {
    kind: 'bool',
    help: 'Show the audit events of the workload, one JSON object per line',
    schema: v.optional(v.boolean(), false),
  },
} as const;

export const logs = createCommand(
  {
    usage: 'NAME|prune [flags]',
    long: `Show what an MCP server's container wrote, with --proxy the log that ToolHive keeps of it, with --network
what the server tried to reach and was refused, or with --audit what was asked of it, by whom, and how that ended
(see 'thv run --enable-audit').

'thv logs prune' deletes the log files of workloads that no longer exist.`,
    examples: `
  thv logs fetch
  thv logs fetch --follow
  thv logs fetch --proxy
  thv logs fetch --network --follow
  thv logs fetch --audit --follow
  thv logs prune`,
    flags,
    exclusive: [['proxy', 'audit', 'network']],
    positionals: { exactly: 1 },
    complete: completeWorkloadName,
    async run(invocation) {
      // Behind `--` the word is no subcommand any more, but means the same.
      if (invocation.words[0] === 'prune') return pruneLogs(invocation);
      const { proxy, audit, network, format } = invocation.options;
      if (network) return (await import('./logs-network.ts')).showNetworkLog(invocation);
      if (format === 'json') throw new ThvError('ERR_INPUT_INVALID', { reason: JSON_OF_NETWORK });
      if (audit) return showAuditLog(invocation);
      return proxy ? showProxyLog(invocation) : showContainerLog(invocation);
    },
  },
  {
    prune: lazily({ description: 'Delete log files of servers that no longer exist' }, async () => {
      const { logsPrune } = await import('./logs-prune.ts');
      return logsPrune;
    }),
  },
);

const JSON_OF_NETWORK = '--format json needs --network: what a server prints is not JSON';

type Logs = Invocation<OptionsOf<typeof flags>>;

async function showContainerLog({
  options,
  words,
  signal,
  terminal,
  openWorkloads,
}: Logs): Promise<undefined> {
  const workloads = await openWorkloads();
  for await (const { stream, bytes } of workloads.logs(words[0] ?? '', { follow: options.follow, signal })) {
    // Merged to stdout, except while following (spec 01 §5.5).
    if (options.follow && stream === 'stderr') terminal.err(bytes);
    else if (!terminal.out(bytes)) return;
  }
}

async function showProxyLog({
  options,
  words: [name = ''],
  signal,
  terminal,
  openWorkloads,
}: Logs): Promise<undefined> {
  const path = (await openWorkloads()).proxyLogPath(name);
  let found = false;
  for await (const bytes of followFile(path, { follow: options.follow, signal })) {
    found = true;
    if (!terminal.out(bytes)) return;
  }
  if (!found && !options.follow) terminal.err(`no proxy log found for workload ${name} (${path})\n`);
}

async function showAuditLog({
  options,
  words: [name = ''],
  signal,
  terminal,
  openWorkloads,
}: Logs): Promise<undefined> {
  const { path, isMixed } = await (await openWorkloads()).auditLog(name);
  const pick = isMixed ? createLinePicker(isAuditLine) : (bytes: Uint8Array) => bytes;
  for await (const bytes of followFile(path, { follow: options.follow, signal })) {
    const picked = pick(bytes);
    if (picked.length > 0 && !terminal.out(picked)) return;
  }
}

function isAuditLine(line: string): boolean {
  return /^\{"time":"[^"]*","level":"AUDIT",/.test(line);
}

/** From a stream of bytes to the whole lines in it that `isWanted`. */
function createLinePicker(isWanted: (line: string) => boolean): (bytes: Uint8Array) => string {
  const decoder = new TextDecoder();
  let rest = '';
  return (bytes) => {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    return lines
      .filter(isWanted)
      .map((line) => `${line}\n`)
      .join('');
  };
}
