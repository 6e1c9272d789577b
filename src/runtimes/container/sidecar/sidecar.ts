import type { Engine } from '../../../engine/index.ts';
import { ThvError } from '../../../errors/index.ts';
import { addressesOfMachine } from '../../../net/index.ts';
import { createBackground, sleep, unlessAborted } from '../../../platform/index.ts';
import type { Tunnel } from '../../../proxy/index.ts';
import { PROXY_PORT } from '../../../sidecar/index.ts';
import { admissionOf } from './admission-of.ts';
import { HOSTNAME } from './control-client.ts';
import { lockSidecar } from './identity.ts';
import {
  attachToSidecar,
  establishSidecar,
  type LiveSidecar,
  leaveSidecars,
  silence,
  takeOver,
} from './live-sidecar.ts';
import { machineAddresses } from './machine-addresses.ts';
import { openTunnel } from './open-tunnel.ts';
import { aliasOf, joinNetwork, type Membership, membershipIn } from './sidecar-networks.ts';
import type { AdmittedWorkload, Sidecar, SidecarOptions } from './types.ts';

const REVIVE_DELAYS_MS = [0, 100, 250, 500, 1000, 2000, 5000] as const;
const REFRESH_MS = 5000;
const RECONNECT_MS = 250;
/** How long an address of a container counts: one look at the engine for all connections of that time. */
const ADDRESS_TTL_MS = 1000;
const DRAIN_MS = 5000;

interface Admitted {
  readonly workload: AdmittedWorkload;
  readonly membership: Membership;
}

/** Opens nothing yet: the sidecar is looked for with the first call. One handle watches over all workloads that it admitted. */
export function openSidecar(engine: Engine, options: SidecarOptions): Sidecar {
  const { paths, logger } = options;
  const admitted = new Map<string, Admitted>();
  const addresses = new Map<string, { readonly address: string; readonly until: number }>();
  const background = createBackground(logger);
  const closing = new AbortController();
  /** Settles when a sidecar that died is there again. */
  let live: Promise<LiveSidecar> | undefined;
  let known: readonly string[] = [];
  let last: Promise<unknown> = Promise.resolve();

  /** Changes take turns, in this process and among all that share the state folder. */
  function inTurn<T>(change: () => Promise<T>): Promise<T> {
    const run = async () => {
      using _lock = await lockSidecar(paths);
      return await change();
    };
    const next = last.then(run, run);
    last = next.catch(() => undefined); // its caller hears of it
    return next;
  }

  function establish(): Promise<LiveSidecar> {
    const started = establishSidecar(engine, options);
    live = started;
    started.catch(() => {
      if (live === started) live = undefined;
    });
    return started;
  }

  async function enforce(sidecar: LiveSidecar, workload: AdmittedWorkload): Promise<Membership> {
    await takeOver(engine, sidecar, workload.network, paths);
    const membership = await joinNetwork(engine, sidecar.container, workload.network, workload.name);
    known = addressesOfMachine();
    await sidecar.control.admit(admissionOf(workload, membership, await machineAddresses(engine)));
    return membership;
  }

  /** All rules again, after one look at the engine: those that wait are cut off. */
  async function enforceAll(sidecar: LiveSidecar): Promise<void> {
    known = addressesOfMachine();
    const [facts, details] = await Promise.all([
      machineAddresses(engine),
      engine.containers.find(sidecar.container),
    ]);
    const isInPlace = ({ workload, membership }: Admitted) =>
      membershipIn(details, workload.network)?.address === membership.address;
    const all = [...admitted.values()];
    await Promise.all(
      all
        .filter(isInPlace)
        .map(({ workload, membership }) => sidecar.control.admit(admissionOf(workload, membership, facts))),
    );
    // One after the other: engines change one container's networks one at a time.
    for (const { workload } of all.filter((each) => !isInPlace(each))) {
      const membership = await enforce(sidecar, workload);
      if (admitted.has(workload.name)) admitted.set(workload.name, { workload, membership });
    }
  }

  /** Not every engine's published port tells when the other end dies, and not every engine that a container ended. */
  async function untilItMayBeGone({ control, container }: LiveSidecar): Promise<void> {
    const leaving = new AbortController();
    const leave = () => leaving.abort();
    closing.signal.addEventListener('abort', leave);
    const ended = engine.containers.wait(container, { signal: leaving.signal }).then(
      () => undefined,
      () => control.untilGone(leaving.signal),
    );
    try {
      await Promise.race([control.untilGone(leaving.signal), ended]);
    } finally {
      leave();
      closing.signal.removeEventListener('abort', leave);
    }
  }

  async function watch(sidecar: LiveSidecar): Promise<void> {
    await untilItMayBeGone(sidecar);
    if (closing.signal.aborted || admitted.size === 0) return;
    if (await sidecar.control.serves(admitted.keys()))
      return background.run('egress sidecar', () => watch(sidecar));
    logger.warn('the egress sidecar ended and is brought back', { container: sidecar.container });
    const revived = Promise.withResolvers<LiveSidecar>();
    revived.promise.catch(() => undefined); // those who need it hear of it
    live = revived.promise;
    try {
      revived.resolve(await revive(sidecar));
    } catch (error) {
      if (live === revived.promise) live = undefined;
      revived.reject(error);
    }
  }

  async function revive(dead: LiveSidecar): Promise<LiveSidecar> {
    for (let attempt = 0; ; attempt++) {
      await sleep(REVIVE_DELAYS_MS[Math.min(attempt, REVIVE_DELAYS_MS.length - 1)] ?? 0, closing.signal);
      if (closing.signal.aborted || admitted.size === 0)
        throw new ThvError('ERR_CANCELLED', { reason: 'the egress sidecar is not needed any more' });
      try {
        return await inTurn(async () => {
          if (attempt === 0) await silence(engine, dead);
          const sidecar = await establishSidecar(engine, options);
          await enforceAll(sidecar);
          background.run('egress sidecar', () => watch(sidecar));
          return sidecar;
        });
      } catch (error) {
        logger.warn('the egress sidecar is not back yet', { attempt: attempt + 1, error });
      }
    }
  }

  /** The machine's addresses come and go; all of them are closed to workloads. */
  const refreshing = setInterval(() => {
    if (admitted.size === 0 || live === undefined || String(addressesOfMachine()) === String(known)) return;
    known = addressesOfMachine();
    const sidecar = live;
    background.run('addresses of the machine', async () => {
      try {
        const { control } = await sidecar;
        const facts = await machineAddresses(engine);
        for (const { workload, membership } of admitted.values())
          await control.admit(admissionOf(workload, membership, facts));
      } catch (error) {
        known = []; // tried again; a sidecar that died is told all of it when it is back
        logger.debug('the egress sidecar was not told the addresses of the machine', { error });
      }
    });
  }, REFRESH_MS);
  refreshing.unref();

  async function current(name: string): Promise<LiveSidecar> {
    const found = await (live ?? attachToSidecar(engine, name, paths));
    if (found !== undefined) return found;
    throw new ThvError('ERR_SYSTEM', { reason: `${name} is not admitted to the egress sidecar` });
  }

  async function addressOf(name: string, sidecar: LiveSidecar): Promise<string> {
    const cached = addresses.get(name);
    if (cached !== undefined && cached.until > performance.now()) return cached.address;
    const network = admitted.get(name)?.workload.network ?? sidecar.network;
    const address = membershipIn(await engine.containers.find(name), network)?.address;
    if (address === undefined)
      throw new ThvError('ERR_CONTAINER_NOT_RUNNING', { container: name, reason: `${name} has no address` });
    addresses.set(name, { address, until: performance.now() + ADDRESS_TTL_MS });
    return address;
  }

  async function tunnel(name: string, port: number, signal?: AbortSignal): Promise<Tunnel> {
    const sidecar = await unlessAborted(current(name), signal);
    const address = await unlessAborted(addressOf(name, sidecar), signal);
    return {
      hostname: HOSTNAME,
      port: sidecar.control.port,
      head: sidecar.control.tunnelHead(name, port, address),
    };
  }

  return {
    async admit(workload, signal) {
      const { name } = workload;
      const admission = inTurn(async () => {
        signal?.throwIfAborted();
        const isFirst = live === undefined;
        const sidecar = await (live ?? establish());
        const membership = await enforce(sidecar, workload);
        admitted.set(name, { workload, membership });
        if (isFirst) background.run('egress sidecar', () => watch(sidecar));
        return membership;
      });
      const { address } = await unlessAborted(admission, signal);
      return { proxyUrl: `http://${aliasOf(name)}:${PROXY_PORT}`, dnsAddress: address };
    },
    async release(name) {
      admitted.delete(name);
      addresses.delete(name);
      if (admitted.size === 0) live = undefined;
      await inTurn(() => leaveSidecars(engine, name, paths, logger));
    },
    tunnel,
    connect: async (name, port, signal) => openTunnel(name, await tunnel(name, port, signal), signal),
    async *decisions(name, signal) {
      while (!signal.aborted && !closing.signal.aborted) {
        const sidecar = await current(name).catch(() => undefined); // not there now, perhaps later
        if (sidecar !== undefined) yield* sidecar.control.decisions(name, signal);
        await sleep(RECONNECT_MS, signal);
      }
    },
    async [Symbol.asyncDispose]() {
      clearInterval(refreshing);
      closing.abort();
      await background.drain(DRAIN_MS);
    },
  };
}
