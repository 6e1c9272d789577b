import * as v from 'valibot';
import { messageOf, ThvError } from '../errors/index.ts';
import type { Paths } from '../platform/index.ts';
import type { WorkloadName } from '../records/index.ts';
import { controlAddresses, isPrivateAddress } from './control-address.ts';
import { ErrorBodySchema, HandOverSchema, type Hello, HelloSchema } from './control-protocol.ts';
import type { RunEnvironment } from './environment.ts';

const HELLO_TIMEOUT_MS = 2000;
const REQUEST_TIMEOUT_MS = 60_000;

/** A living workload host, as seen over its control socket. */
export interface HostConnection {
  readonly hello: Hello;
  /** Takes the workload over; returns as soon as it has, without waiting for readiness. */
  start(name: WorkloadName, environment: RunEnvironment): Promise<void>;
  /** Ends the run of one workload, its container untouched, in `extraMs` more than usual. `false` when it was not being run. */
  end(name: WorkloadName, extraMs?: number): Promise<boolean>;
  /** Leaves the ports and ends, so that another executable can take over; gives the variables it kept in memory only. */
  handOver(): Promise<RunEnvironment>;
}

/** The host of this state folder, if one answers. */
export async function findHost(paths: Paths): Promise<HostConnection | undefined> {
  for (const address of controlAddresses(paths)) {
    const hello = await askHello(address);
    if (hello?.stateFolder === paths.state) return connectionTo(address, hello);
  }
  return undefined;
}

/** Who listens at an address; `undefined` when nobody does. */
export async function askHello(address: string): Promise<Hello | undefined> {
  if (!isPrivateAddress(address)) return undefined;
  try {
    const response = await fetch('http://host/hello', {
      unix: address,
      signal: AbortSignal.timeout(HELLO_TIMEOUT_MS),
    });
    return v.parse(HelloSchema, await response.json());
  } catch {
    return undefined; // nobody there, or nobody we know: the same to the caller
  }
}

interface RequestOptions {
  readonly body?: unknown;
  readonly extraMs?: number;
}

function connectionTo(address: string, hello: Hello): HostConnection {
  async function request(
    method: string,
    path: string,
    { body, extraMs = 0 }: RequestOptions = {},
  ): Promise<Response> {
    let response: Response;
    try {
      response = await fetch(`http://host${path}`, {
        unix: address,
        method,
        signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS + extraMs),
        ...(body === undefined
          ? {}
          : { body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } }),
      });
    } catch (error) {
      const reason = `workload host at ${address} does not answer: ${messageOf(error)}`;
      throw new ThvError('ERR_HOST_UNREACHABLE', { reason }, { cause: error });
    }
    if (response.ok || response.status === 404) return response;
    const parsed = v.safeParse(ErrorBodySchema, await response.json().catch(() => undefined));
    const reason = parsed.success ? parsed.output.error : `workload host answered ${response.status}`;
    throw new ThvError('ERR_HOST_REQUEST', { reason });
  }
  return {
    hello,
    async start(name, environment) {
      await request('POST', `/workloads/${name}/start`, { body: { environment } });
    },
    async end(name, extraMs = 0) {
      return (await request('POST', `/workloads/${name}/end`, { extraMs })).status !== 404;
    },
    async handOver() {
      const response = await request('POST', '/hand-over');
      return v.parse(HandOverSchema, await response.json()).environment;
    },
  };
}
