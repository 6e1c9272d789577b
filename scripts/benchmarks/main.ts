import { parseArgs } from 'node:util';
import { benchApi } from './api.ts';
import { openGround } from './ground.ts';
import { benchHost } from './host.ts';
import { benchProcess } from './process.ts';
import { benchMemory } from './proxy-memory.ts';
import { benchPayloads } from './proxy-payloads.ts';
import { benchReverse } from './proxy-reverse.ts';
import { benchStdio } from './proxy-stdio.ts';
import { benchStreams } from './proxy-streams.ts';
import { benchRun } from './run.ts';
import { benchSecurity } from './security.ts';
import { type Bench, parseSettings } from './settings.ts';
import { benchStart } from './start.ts';
import { printTable } from './table.ts';

/** In the order in which they run. `proxy` stands for its parts. */
const BENCHES: Readonly<Record<string, Bench>> = {
  start: benchStart,
  run: benchRun,
  process: benchProcess,
  host: benchHost,
  api: benchApi,
  'proxy stdio': benchStdio,
  'proxy payloads': benchPayloads,
  'proxy reverse': benchReverse,
  'proxy streams': benchStreams,
  'proxy memory': benchMemory,
  security: benchSecurity,
};

const HELP = `Usage: scripts/bench [start] [run] [process] [host] [api] [proxy [PART…]] [security] [flags]

  start      thv version, help and list against an empty executable
  run        thv run to the first answered initialize
  process    thv run of an installed npm package to the first answered initialize, against a container and npx
  host       kill -9 of the workload host under load
  api        a list of a hundred workloads over thv serve
  proxy      its parts, or those named behind it:
    stdio      requests per second against supergateway and mcp-proxy, and what a container costs
    payloads   the same with 100 B, 10 KB and 1 MB
    reverse    an HTTP server behind thv and behind nginx
    streams    held event streams
    memory     of the workload host, idle and over many requests
  security   tokens, policies and audit against the same proxy without them, and the memory of the policy engine
Without any of them, all.

  --seconds N     length of one measurement (2)
  --rounds N      measurements of each kind, taking turns (2)
  --repeats N     runs of each command, and of each start and kill; each bench has a default
  --workloads N   how many idle ones (20)
  --streams N     how many held ones, of each kind (1000)
  --requests N    over which memory must not grow (100000); --long for 1000000

All figures come from this machine in this run: compare ratios. Exit code 1 when something could not be measured; a budget
that is not met is told in its row.
`;

process.exitCode = await main(Bun.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  const wanted = parse(args);
  if (wanted === undefined) return 2;
  if (wanted === 'help') {
    process.stdout.write(HELP);
    return 0;
  }
  // A first Ctrl-C ends what is being measured, and we clean up behind it.
  const interrupt = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => interrupt.abort(new Error(`ended by ${signal}`)));

  let exitCode = 0;
  await using ground = await openGround(wanted.settings, interrupt.signal);
  for (const name of wanted.names) {
    if (interrupt.signal.aborted) return 130;
    ground.say(`${name} …`);
    try {
      printTable(name, (await BENCHES[name]?.(ground)) ?? []);
    } catch (error) {
      if (interrupt.signal.aborted) return 130;
      exitCode = 1;
      process.stderr.write(`bench: ${name} could not be measured: ${Bun.inspect(error)}\n`);
    }
  }
  return exitCode;
}

function parse(args: readonly string[]) {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        help: { type: 'boolean', short: 'h' },
        long: { type: 'boolean' },
        seconds: { type: 'string' },
        rounds: { type: 'string' },
        repeats: { type: 'string' },
        workloads: { type: 'string' },
        streams: { type: 'string' },
        requests: { type: 'string' },
      },
    });
    if (values.help) return 'help' as const;
    return { names: namesOf(positionals), settings: parseSettings(values) };
  } catch (error) {
    process.stderr.write(`bench: ${error instanceof Error ? error.message : error}\n${HELP}`);
    return undefined;
  }
}

function namesOf(words: readonly string[]): readonly string[] {
  const all = Object.keys(BENCHES);
  if (words.length === 0) return all;
  const parts = words.filter((word) => all.includes(`proxy ${word}`));
  const chosen = words.flatMap((word) => {
    if (word === 'proxy') return parts.length > 0 ? [] : all.filter((name) => name.startsWith('proxy '));
    const name = parts.includes(word) ? `proxy ${word}` : word;
    if (!all.includes(name)) throw new Error(`there is no bench "${word}"`);
    return [name];
  });
  return all.filter((name) => chosen.includes(name));
}
