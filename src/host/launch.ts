import { join } from 'node:path';
import { ThvError } from '../errors/index.ts';
import { acquireLock, openOutput, type Paths, sleep, spawnDetached } from '../platform/index.ts';
import { PROTOCOL } from './control-protocol.ts';
import { guardedHost } from './guard.ts';
import { findHost, type HostConnection } from './host-client.ts';

const START_TIMEOUT_MS = 10_000;
const HAND_OVER_TIMEOUT_MS = 15_000;
const POLL_MS = 10;

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
  spawnDetached(guardedHost(paths, debug ? ['--debug'] : []), { env, outputFd: output.fd });
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
