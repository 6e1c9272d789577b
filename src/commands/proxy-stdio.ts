import { createCommand, type Invocation } from '../cli/index.ts';
import { ThvError, within } from '../errors/index.ts';
import { authorizationIn } from './token-in-environment.ts';
import { completeWorkloadName } from './workload-names.ts';

export const proxyStdio = createCommand({
  usage: 'WORKLOAD [flags]',
  long: `Connect a client that speaks MCP over stdin and stdout to a running workload.

Messages pass as they are, one per line. The command ends when its stdin ends and
all requests are answered. To a workload that asks for tokens, it brings the one in TOOLHIVE_TOKEN.`,
  examples: `
  thv proxy stdio fetch`,
  flags: {},
  positionals: { exactly: 1 },
  complete: completeWorkloadName,
  run: connect,
});

/** States in which nobody listens on the workload's port. */
const DOWN = new Set(['stopped', 'error', 'removing', 'stopping', 'policy_stopped']);

async function connect({ words, env, signal, terminal, openWorkloads, openLog }: Invocation): Promise<void> {
  const name = words[0] ?? '';
  const workload = await within(`failed to get workload "${name}"`, async () =>
    (await openWorkloads()).get(name, { signal }),
  );
  if (workload.url === '' || DOWN.has(workload.status)) {
    throw new ThvError('ERR_INPUT_INVALID', {
      reason: `workload "${name}" does not have connection details (is it running?)`,
    });
  }
  const log = await openLog();
  const { transport } = workload;
  log.debug('starting stdio proxy', { workload: name, url: workload.url });
  const { pumpClientStdio } = await import('../client-stdio/index.ts');
  await pumpClientStdio({
    url: workload.url,
    authorization: authorizationIn(env),
    transport: transport === 'stdio' ? (workload.proxyMode ?? 'streamable-http') : transport,
    input: Bun.stdin.stream(),
    write: (line) => terminal.out(line),
    log,
    signal,
  });
}
