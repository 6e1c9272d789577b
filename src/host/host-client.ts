import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { messageOf, revive, ThvError } from '../errors/index.ts';
import { givenUp, isLocked, type Paths, sleep, startDeadline } from '../platform/index.ts';
import type { WorkloadName } from '../records/index.ts';
import type { Definition } from '../tool-lock/index.ts';
import { addressRecord, controlAddresses, isPrivateAddress } from './control-address.ts';
import {
  ErrorBodySchema,
  HandOverSchema,
  type Hello,
  HelloSchema,
  type RecordRequest,
  ToolsSchema,
} from './control-protocol.ts';
import type { RunEnvironment, RunOrigin } from './environment.ts';
import type { Observation } from './observed-status.ts';

const HELLO_TIMEOUT_MS = 2000;
const REQUEST_TIMEOUT_MS = 60_000;
/** Ending a run waits for what the engine has been asked for: a network, a removal, a create or a start. */
const END_TIMEOUT_MS = 240_000;
const SILENCE_TIMEOUT_MS = 10_000;
const SILENCE_POLL_MS = 100;

interface EndOptions {
  readonly extraMs?: number;
  readonly signal?: AbortSignal | undefined;
}

/** A living workload host, as seen over its control socket. */
export interface HostConnection {
  readonly hello: Hello;
  /** Takes the workload over; returns as soon as it has, without waiting for readiness. */
  start(name: WorkloadName, origin: RunOrigin): Promise<void>;
  /**
   * Ends the run of one workload, its container untouched; one that the engine is making at this moment is waited for. `false` when
   * it was not being run. Takes `extraMs` more than usual; when `signal` aborts, the host goes on.
   */
  end(name: WorkloadName, options?: EndOptions): Promise<boolean>;
  /** Has a status recorded that the caller could not record itself. */
  record(name: WorkloadName, request: RecordRequest): Promise<void>;
  /** All tools of a workload's server; `undefined` when the host does not run it, or is too old to say. */
  tools(name: WorkloadName, signal?: AbortSignal): Promise<readonly Definition[] | undefined>;
  /** Leaves the ports and ends, so that another executable can take over; gives the variables it kept in memory only. */
  handOver(): Promise<RunEnvironment>;
}

/** The host of this state folder, if one answers. */
export async function findHost(paths: Paths): Promise<HostConnection | undefined> {
  const recorded = await readFile(addressRecord(paths), 'utf8').catch(() => undefined); // no host, or one of an older version
  const addresses = [...(recorded === undefined ? [] : [recorded]), ...controlAddresses(paths)];
  for (const address of new Set(addresses)) {
    const hello = await askHello(address);
    if (hello?.stateFolder === paths.state) return connectionTo(address, hello);
  }
  return undefined;
}

/**
 * Finds the host for callers that would do harm if they took a living host for dead. It waits for a host that lives and does not
 * answer, because it is just starting or the machine is busy. Throws `ERR_HOST_UNREACHABLE` when the host stays silent.
 */
export async function findLivingHost(paths: Paths): Promise<HostConnection | undefined> {
  const deadline = performance.now() + SILENCE_TIMEOUT_MS;
  for (;;) {
    const host = await findHost(paths);
    if (host !== undefined || !isLocked(hostLock(paths))) return host;
    if (performance.now() > deadline) {
      throw new ThvError(
        'ERR_HOST_UNREACHABLE',
        { reason: 'the workload host lives but does not answer' },
        { hint: `see ${join(paths.data, 'logs', 'thv-host.log')}` },
      );
    }
    await sleep(SILENCE_POLL_MS);
  }
}

/** What a host says of the workloads of this state folder: asked, never inferred from a process id. */
export type HostAnswer =
  | {
      readonly type: 'answers';
      readonly processId: number;
      readonly workloads: ReadonlyMap<string, Observation>;
    }
  /** No host lives. */
  | { readonly type: 'none' }
  /** A host lives and does not answer: it is just starting, hangs, or runs an older executable. */
  | { readonly type: 'silent' };

/** Asks once, and waits no longer than a host in good health needs. */
export async function askHost(paths: Paths): Promise<HostAnswer> {
  const hello = (await findHost(paths))?.hello;
  if (hello === undefined) return { type: isLocked(hostLock(paths)) ? 'silent' : 'none' };
  if (hello.workloads === undefined) return { type: 'silent' };
  const workloads = new Map(Object.entries(hello.workloads));
  return { type: 'answers', processId: hello.processId, workloads };
}

/** Whether the last host left its address behind, which none does that ends by itself or is told to. */
export function wasHostLost(paths: Paths): boolean {
  return existsSync(addressRecord(paths)) && !isLocked(hostLock(paths));
}

/** Lock that the one host of a state folder holds for as long as it lives. */
export function hostLock(paths: Paths): string {
  return join(paths.state, 'host', 'host.lock');
}

/** Who listens at an address; `undefined` when nobody does. */
export async function askHello(address: string): Promise<Hello | undefined> {
  if (!isPrivateAddress(address)) return undefined;
  try {
    const response = await fetch('http://host/hello', {
      unix: address,
      keepalive: false, // the host never closes a connection that idles
      signal: AbortSignal.timeout(HELLO_TIMEOUT_MS),
    });
    return v.parse(HelloSchema, await response.json());
  } catch {
    return undefined; // nobody there, or nobody we know: the same to the caller
  }
}

interface RequestOptions {
  readonly body?: unknown;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal | undefined;
}

function connectionTo(address: string, hello: Hello): HostConnection {
  async function request(
    method: string,
    path: string,
    { body, timeoutMs = REQUEST_TIMEOUT_MS, signal }: RequestOptions = {},
  ): Promise<Response> {
    using deadline = startDeadline({ signal, timeoutMs });
    let response: Response;
    try {
      response = await fetch(`http://host${path}`, {
        unix: address,
        keepalive: false,
        method,
        signal: deadline.signal,
        timeout: false, // the runtime's own is shorter than some
        ...(body === undefined
          ? {}
          : { body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } }),
      });
    } catch (error) {
      if (signal?.aborted)
        throw givenUp(signal, {
          timedOut: 'the workload host did not answer in time',
          cancelled: 'interrupted while the workload host was at work',
        });
      const reason = `workload host at ${address} does not answer: ${messageOf(error)}`;
      throw new ThvError('ERR_HOST_UNREACHABLE', { reason }, { cause: error });
    }
    if (response.ok || response.status === 404) return response;
    const parsed = v.safeParse(ErrorBodySchema, await response.json().catch(() => undefined));
    if (!parsed.success) {
      const reason = `workload host answered ${response.status}`;
      throw new ThvError('ERR_HOST_REQUEST', { reason });
    }
    const { error: reason, thrown } = parsed.output;
    throw (thrown && revive(thrown)) ?? new ThvError('ERR_HOST_REQUEST', { reason });
  }
  return {
    hello,
    async start(name, origin) {
      await request('POST', `/workloads/${name}/start`, { body: origin });
    },
    async end(name, { extraMs = 0, signal } = {}) {
      const options = { timeoutMs: END_TIMEOUT_MS + extraMs, signal };
      return (await request('POST', `/workloads/${name}/end`, options)).status !== 404;
    },
    async record(name, body) {
      await request('POST', `/workloads/${name}/record`, { body });
    },
    async tools(name, signal) {
      const response = await request('GET', `/workloads/${name}/tools`, { signal });
      return response.status === 404 ? undefined : v.parse(ToolsSchema, await response.json()).tools;
    },
    async handOver() {
      const response = await request('POST', '/hand-over');
      return v.parse(HandOverSchema, await response.json()).environment;
    },
  };
}
