import { join } from 'node:path';
import { ThvError } from '../errors/index.ts';
import { acquireLock, openOutput, type Paths, selfCommand, sleep, spawnDetached } from '../platform/index.ts';
import { PROTOCOL } from './control-protocol.ts';
import { desiredFolder } from './desired-state.ts';
import { findHost, type HostConnection } from './host-client.ts';

const START_TIMEOUT_MS = 10_000;
const HAND_OVER_TIMEOUT_MS = 15_000;
const POLL_MS = 10;

/**
 * Parent of the host on Unix: starts it again whatever it died of, at once at first, and slower when it keeps dying; an executable
 * that is being replaced or a disk without room comes back. 0 = ended by itself, or another host is here. It ends as well when
 * nothing is meant to run: `$1` is the folder of what is. It passes on the environment of the first start, so nothing secret is
 * written to disk for a restart.
 */
const GUARD = `f=$1; shift; n=0
now() { date +%s 2>/dev/null || echo 0; }
while :; do
  t=$(now); "$@"; s=$?
  [ $s -eq 0 ] && exit 0
  [ -n "$(ls "$f" 2>/dev/null)" ] || exit $s
  [ $(($(now) - t)) -gt 60 ] && n=0
  n=$((n + 1))
  if [ $n -le 20 ]; then sleep 0.1 || sleep 1; elif [ $n -le 60 ]; then sleep 5; else sleep 15; fi
done`;

interface LaunchOptions {
  readonly paths: Paths;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** When this executable was built, RFC 3339. */
  readonly builtAt: string;
  readonly debug: boolean;
}

/**
 * The workload host of this state folder, started detached when none lives. One of an older executable is asked to hand
 * over: its workloads are taken up by the new one, their containers run on. Throws `ERR_HOST_UNREACHABLE`.
 */
export async function ensureHost(options: LaunchOptions): Promise<HostConnection> {
  const living = await findHost(options.paths);
  if (living !== undefined && isCurrent(living, options)) return living;
  using _ = await acquireLock(join(options.paths.state, 'host', 'launch.lock'), {
    timeoutMs: START_TIMEOUT_MS,
    purpose: 'failed to start the workload host',
  });
  const present = await findHost(options.paths);
  if (present !== undefined) {
    if (isCurrent(present, options)) return present;
    const kept = await present.handOver();
    await waitForEnd(options, present.hello.processId);
    spawnHost({ ...options, env: { ...kept, ...options.env } });
    return await waitForStart(options);
  }
  spawnHost(options);
  return await waitForStart(options);
}

function isCurrent(host: HostConnection, options: LaunchOptions): boolean {
  return host.hello.protocol === PROTOCOL && host.hello.builtAt >= options.builtAt;
}

function spawnHost({ paths, env, debug }: LaunchOptions): void {
  // Without a log, the host tells what it could not write by itself, in its log as soon as it can.
  using output = openOutput(join(paths.data, 'logs', 'thv-host.log'), () => undefined);
  const host = [...selfCommand(), 'host', ...(debug ? ['--debug'] : [])];
  const guard = ['sh', '-c', GUARD, 'thv-guard', desiredFolder(paths.state)];
  spawnDetached(process.platform === 'win32' ? host : [...guard, ...host], { env, outputFd: output.fd });
}

async function waitForStart({ paths }: LaunchOptions): Promise<HostConnection> {
  const deadline = performance.now() + START_TIMEOUT_MS;
  while (performance.now() < deadline) {
    const host = await findHost(paths);
    if (host !== undefined) return host;
    await sleep(POLL_MS);
  }
  throw new ThvError(
    'ERR_HOST_UNREACHABLE',
    { reason: `the workload host did not start within ${START_TIMEOUT_MS / 1000} seconds` },
    { hint: `see ${join(paths.data, 'logs', 'thv-host.log')}` },
  );
}

async function waitForEnd({ paths }: LaunchOptions, processId: number): Promise<void> {
  const deadline = performance.now() + HAND_OVER_TIMEOUT_MS;
  while ((await findHost(paths))?.hello.processId === processId) {
    if (performance.now() > deadline) {
      const reason = `the workload host (process ${processId}) did not hand over within ${HAND_OVER_TIMEOUT_MS / 1000} seconds`;
      throw new ThvError('ERR_HOST_UNREACHABLE', { reason }, { hint: `end it with: kill ${processId}` });
    }
    await sleep(POLL_MS);
  }
}
