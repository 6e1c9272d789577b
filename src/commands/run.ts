import * as v from 'valibot';
import { createCommand, type Invocation, type OptionsOf } from '../cli/index.ts';
import { messageOf } from '../errors/index.ts';
import { silentLogger } from '../platform/index.ts';
import { networkProfile, parsePublish, withVolumes } from '../sandbox/index.ts';
import { parseEnvironmentFlags, type RunRequest } from '../workloads/index.ts';
import { confirm, createProgress } from './progress.ts';
import { waitFlags, waitUntilRunning } from './wait-until-running.ts';

/** How the reference introduces what is wrong with the settings of a workload (spec 01 §4.4, step 15). */
const RUN_CONFIG = 'failed to validate run config';

const Text = v.optional(v.string(), '');
const Texts = v.optional(v.array(v.string()), []);
const Switch = v.optional(v.boolean(), false);
const Port = (problem: (port: number) => string) =>
  v.optional(
    v.pipe(
      v.number(),
      v.check(
        (port) => port >= 0 && port <= 65_535,
        ({ input }) => problem(input),
      ),
    ),
    0,
  );

const Transport = v.optional(
  v.pipe(
    v.picklist(
      ['', 'sse', 'streamable-http', 'stdio', 'SSE', 'STREAMABLE-HTTP', 'STDIO'],
      ({ input }) =>
        `${RUN_CONFIG}: invalid transport mode: ${input}. Valid modes are: sse, streamable-http, stdio`,
    ),
    v.transform((text) => text.toLowerCase()),
    v.picklist(['', 'sse', 'streamable-http', 'stdio']),
  ),
  '',
);

const ProxyMode = v.optional(
  v.pipe(
    v.string(),
    v.transform((text) => (text === '' ? 'sse' : text)),
    v.picklist(['sse', 'streamable-http'], ({ input }) => `invalid value for --proxy-mode: ${input}`),
  ),
  'sse',
);

const Environment = v.optional(v.array(sound((entry) => parseEnvironmentFlags([entry]))), []);

const Volumes = v.optional(
  v.array(sound((volume) => withVolumes(networkProfile(), [volume], silentLogger), RUN_CONFIG)),
  [],
);
const Published = v.optional(v.array(sound(parsePublish, RUN_CONFIG)), []);

const flags = {
  name: {
    kind: 'string',
    help: 'Name of the MCP server (auto-generated from image if not provided)',
    schema: Text,
  },
  transport: { kind: 'string', help: 'Transport mode (sse, streamable-http or stdio)', schema: Transport },
  'proxy-mode': {
    kind: 'string',
    help: 'Proxy mode for stdio transport (sse or streamable-http)',
    schema: ProxyMode,
  },
  'proxy-port': {
    kind: 'int',
    help: 'Port for the HTTP proxy to listen on (host port)',
    schema: Port((port) => `${RUN_CONFIG}: requested proxy port ${port} is not available`),
  },
  host: {
    kind: 'string',
    help: 'Host for the HTTP proxy to listen on (IP or hostname)',
    schema: v.optional(v.string(), '127.0.0.1'),
  },
  'target-port': {
    kind: 'int',
    help: 'Port for the container to expose (only applicable to SSE or Streamable HTTP transport)',
    schema: Port(
      (port) => `${RUN_CONFIG}: invalid value for --target-port: ${port} (must be between 0 and 65535)`,
    ),
  },
  'target-host': {
    kind: 'string',
    help: 'Host to forward traffic to (only applicable to SSE or Streamable HTTP transport)',
    schema: v.optional(v.string(), '127.0.0.1'),
  },
  env: {
    kind: 'stringArray',
    shorthand: 'e',
    help: 'Environment variables to pass to the MCP server (format: KEY=VALUE)',
    schema: Environment,
  },
  'env-file': { kind: 'string', help: 'Load environment variables from a single file', schema: Text },
  'env-file-dir': {
    kind: 'string',
    help: 'Load environment variables from all files in a directory',
    schema: Text,
  },
  label: {
    kind: 'stringArray',
    shorthand: 'l',
    help: 'Set labels on the container (format: key=value)',
    schema: Texts,
  },
  volume: {
    kind: 'stringArray',
    shorthand: 'v',
    help: 'Mount a volume into the container (format: host-path:container-path[:ro])',
    schema: Volumes,
  },
  publish: {
    kind: 'stringArray',
    shorthand: 'p',
    help: "Publish a container's port to the host (format: hostPort:containerPort or containerPort)",
    schema: Published,
  },
  network: {
    kind: 'string',
    help: "Connect the container to a network (e.g., 'host' for host networking)",
    schema: Text,
  },
  foreground: {
    kind: 'bool',
    shorthand: 'f',
    help: 'Run in foreground mode (block until container exits)',
    schema: Switch,
  },
  ...waitFlags,
} as const;

export const run = createCommand({
  usage: '[flags] SERVER_OR_IMAGE_OR_PROTOCOL [-- ARGS...]',
  long: `Run an MCP server from a container image.

   $ thv run ghcr.io/example/mcp-server:latest [-- args...]

Runs the specified container image with the provided arguments, behind an HTTP
proxy that MCP clients connect to. The workload goes on in the background;
'thv list' shows its URL.

The container will be started with the specified transport mode and the
network permission profile. Additional configuration can be provided via flags.`,
  flags,
  positionals: { atLeast: 1 },
  serverArguments: true,
  exclusive: [['foreground', 'wait']],
  unknownFlagHint: (flag) => `arguments for the server go behind '--': thv run IMAGE -- ${flag}`,
  run: runWorkload,
});

async function runWorkload(invocation: Invocation<OptionsOf<typeof flags>>): Promise<void> {
  const { options, words, signal, terminal } = invocation;
  const surplus = words.slice(1);
  if (surplus.length > 0) {
    terminal.err(`Warning: ignored: ${surplus.join(' ')}. Arguments for the server go behind '--'\n`);
  }
  const workloads = await invocation.openWorkloads();
  const request = runRequest(invocation);
  using progress = createProgress(terminal);
  if (options.foreground) {
    const log = await invocation.openLog();
    const onReady = () => {
      progress.update('');
      log.info('workload started successfully, press Ctrl+C to stop');
    };
    return workloads.runForeground(request, { signal, progress, onReady });
  }
  const { name, url } = await workloads.run(request, { signal, progress });
  progress.update('');
  if (options.wait) await waitUntilRunning(workloads, name, { timeoutMs: options.waitTimeout, signal });
  confirm(terminal, options.wait ? `${name} is running at ${url}` : `${name} is starting at ${url}`);
}

function runRequest({
  options,
  words,
  serverArguments,
  debug,
}: Invocation<OptionsOf<typeof flags>>): RunRequest {
  const given = (text: string) => (text === '' ? undefined : text);
  return {
    source: words[0] ?? '',
    serverArguments,
    name: given(options.name),
    transport: options.transport === '' ? undefined : options.transport,
    proxyMode: options.proxyMode,
    proxyPort: options.proxyPort,
    host: options.host,
    targetPort: options.targetPort,
    targetHost: options.targetHost,
    environment: options.env,
    environmentFile: given(options.envFile),
    environmentFolder: given(options.envFileDir),
    labels: options.label,
    volumes: options.volume,
    publish: options.publish,
    networkMode: options.network,
    debug,
  };
}

/** Text that `parse` does not object to; what it makes of it is the manager's to use. */
function sound(parse: (text: string) => unknown, prefix?: string) {
  return v.pipe(
    v.string(),
    v.rawCheck(({ dataset, addIssue }) => {
      if (!dataset.typed) return;
      try {
        parse(dataset.value);
      } catch (error) {
        const problem = messageOf(error);
        addIssue({ message: prefix === undefined ? problem : `${prefix}: ${problem}` });
      }
    }),
  );
}
