import { createCommand, endAtHangUp } from '../cli/index.ts';
import { ThvError } from '../errors/index.ts';
import type { ImportRequest, RunRequest } from '../workloads/index.ts';
import { createAsk } from './ask.ts';
import { confirm, createProgress } from './progress.ts';
import { runFlags } from './run-flags.ts';
import { type RunInvocation, runRequest } from './run-request.ts';
import { surplusProblem } from './surplus-words.ts';
import { waitUntilRunning } from './wait-until-running.ts';

export const run = createCommand({
  usage: '[flags] SERVER_OR_IMAGE_OR_PROTOCOL [-- ARGS...]',
  long: `Run an MCP server with the specified name, image, or protocol scheme.

It goes on in the background, behind an HTTP proxy that MCP clients connect to;
'thv list' shows its URL. ToolHive supports six ways to run an MCP server:

1. From the registry:

   $ thv run server-name [-- args...]

   Looks up the server in the registry and uses its predefined settings
   (transport, permissions, environment variables, etc.). 'thv search' finds
   names.

2. From a container image:

   $ thv run ghcr.io/example/mcp-server:latest [-- args...]

   Runs the specified container image directly with the provided arguments

3. Using a protocol scheme:

   $ thv run uvx://package-name[@version] [-- args...]
   $ thv run npx://package-name[@version] [-- args...]
   $ thv run go://package-name[@version] [-- args...]
   $ thv run go://./local-path [-- args...]

   Automatically generates a container that runs the specified package
   using either uvx (Python with uv package manager), npx (Node.js),
   or go (Golang). For Go, you can also specify local paths starting
   with './' or '../' to build and run local Go projects. Without a container
   engine the package runs as a process of this machine, in a sandbox.

4. From an exported configuration ('thv export'):

   $ thv run --from-config <path>

   Runs an MCP server using a previously exported configuration file.

5. Remote MCP server:

   $ thv run <URL> [--name <name>]

   Runs a remote MCP server as a workload, proxying requests to the specified
   URL. This allows remote MCP servers to be managed like local workloads with
   full support for client configuration, tool filtering, import/export, etc.

6. From a folder with a Dockerfile, package.json, pyproject.toml or go.mod:

   $ thv run ./folder [-- args...]

The container will be started with the specified transport mode and
permission profile. Additional configuration can be provided via flags.`,
  flags: runFlags,
  positionals: (words, given) =>
    words.length > 0 || given.get('from-config')
      ? surplusProblem(words, 'run')
      : 'requires at least 1 arg(s), only received 0',
  serverArguments: true,
  pathWord: 0,
  exclusive: [
    ['foreground', 'wait'],
    ['token-exchange-client-secret', 'token-exchange-client-secret-file'],
  ],
  unknownFlagHint: (flag) => `arguments for the server go behind '--': thv run IMAGE -- ${flag}`,
  run: runWorkload,
});

/** Flags that say how to run, not what. */
const BESIDE_CONFIG: ReadonlySet<string> = new Set([
  'from-config',
  'foreground',
  'debug',
  'wait',
  'wait-timeout',
]);

async function runWorkload(invocation: RunInvocation): Promise<void> {
  const { options, signal, terminal } = invocation;
  refuseOthersBesideConfig(invocation);
  await warnAboutLabels(invocation);
  const request: RunRequest | ImportRequest =
    options.fromConfig === ''
      ? runRequest(invocation)
      : { configFile: options.fromConfig, debug: invocation.debug };
  const workloads = await invocation.openWorkloads();
  using progress = createProgress(terminal);
  const ask = createAsk(invocation);
  if (options.foreground) {
    endAtHangUp(process);
    const log = await invocation.openLog();
    const onReady = () => {
      progress.update('');
      log.info('workload started successfully, press Ctrl+C to stop');
    };
    return workloads.runForeground(request, { signal, progress, ask, onReady });
  }
  const { name, url } = await workloads.run(request, { signal, progress, ask });
  progress.update('');
  if (options.wait) await waitUntilRunning(workloads, name, { timeoutMs: options.waitTimeout, signal });
  const state = options.wait ? 'running' : 'starting';
  if (terminal.stderrIsTty) confirm(terminal, `${name} is ${state} at ${url}`);
  else (await invocation.openLog()).info(`workload is ${state}`, { workload: name, url });
  if (options.requireToken)
    confirm(terminal, `callers need a token: thv token create NAME --workload ${name}`);
}

/** A server runs without a label that cannot be set. */
async function warnAboutLabels({ options, openLog }: RunInvocation): Promise<void> {
  for (const facts of options.label.refused) (await openLog()).warn('Skipping invalid label', facts);
}

/** What the file says is not to be said twice (spec 01 §4.8, §14-10). */
function refuseOthersBesideConfig({ options, given, words, serverArguments }: RunInvocation): void {
  if (options.fromConfig === '') return;
  if (words.length > 0) {
    throw new ThvError('ERR_USAGE', {
      reason: `--from-config says what to run and cannot be used with a server: ${words.join(' ')}`,
    });
  }
  const others = [...given].filter((flag) => !BESIDE_CONFIG.has(flag)).sort();
  const conflicts = [
    ...others.map((flag) => `--${flag}`),
    ...(serverArguments.length > 0 ? ['-- ARGS'] : []),
  ];
  if (conflicts.length === 0) return;
  throw new ThvError('ERR_USAGE', {
    reason: `--from-config cannot be used with other configuration flags: [${conflicts.join(' ')}]`,
  });
}
