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
} as const;

export const logs = createCommand(
  {
    usage: 'NAME|prune [flags]',
    long: `Show what an MCP server's container wrote, with --proxy the log that ToolHive keeps of it,
or with --network what the server tried to reach and was refused.

'thv logs prune' deletes the log files of workloads that no longer exist.`,
    examples: `
  thv logs fetch
  thv logs fetch --follow
  thv logs fetch --proxy
  thv logs fetch --network --follow
  thv logs prune`,
    flags,
    positionals: { exactly: 1 },
    complete: completeWorkloadName,
    async run(invocation) {
      // Behind `--` the word is no subcommand any more, but means the same.
      if (invocation.words[0] === 'prune') return pruneLogs(invocation);
      const { proxy, network, format } = invocation.options;
      if (network) {
        if (proxy) throw new ThvError('ERR_INPUT_INVALID', { reason: ONE_LOG });
        return (await import('./logs-network.ts')).showNetworkLog(invocation);
      }
      if (format === 'json') throw new ThvError('ERR_INPUT_INVALID', { reason: JSON_OF_NETWORK });
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

const ONE_LOG = '--proxy and --network are two different logs: choose one of them';
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
