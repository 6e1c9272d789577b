import { isIP } from 'node:net';
import { hasCode, ThvError } from '../errors/index.ts';
import { sleep } from '../platform/index.ts';
import type { EngineHttp } from './http.ts';
import { createRequest, sealedSubnetOf } from './sealed-network.ts';
import type { NetworkSpec, NetworkSummary, Networks, Waiting } from './types.ts';

/** How long the maker of a younger network may take to remove it. */
const YIELD_MS = 1000;
const LOOK_EVERY_MS = 50;

/** Finds, makes and removes networks of one engine (spec 03 §3, §9.1). */
export function createNetworks(http: EngineHttp, kind: 'docker' | 'podman'): Networks {
  /** Names being made right now: Docker before API 1.44 gives one name to two networks when asked twice at once. */
  const underWay = new Map<string, Promise<string>>();

  const list = async (query: { readonly name?: string }, options: Waiting = {}) => {
    const filters = query.name === undefined ? undefined : JSON.stringify({ name: [query.name] });
    const call = { method: 'GET', path: '/networks', query: { filters } } as const;
    return (await http.json<NetworkSummary[]>({ ...call, ...options })).map(withRealGateways);
  };

  /** The engine's own filter matches parts of names. */
  const named = async (name: string, options: Waiting) =>
    (await list({ name }, options)).filter((network) => network.Name === name);

  async function removeById(id: string, options: Waiting): Promise<void> {
    await http.send({ method: 'DELETE', path: `/networks/${id}`, accept: [404], ...options });
  }

  /** With two networks of one name no container can join either; the older one stays, as everybody else decides too. */
  async function removeDuplicates(networks: readonly NetworkSummary[], options: Waiting): Promise<void> {
    for (const { Id } of networks.slice(1)) {
      await removeById(Id, options).catch(() => undefined); // in use: its containers' owner has to decide
    }
  }

  async function make(name: string, spec: NetworkSpec, options: Waiting): Promise<string> {
    const present = (await named(name, options)).sort(byAge);
    const [oldest] = present;
    if (oldest !== undefined) {
      await removeDuplicates(present, options);
      return oldest.Id;
    }
    const own = await createNetwork(name, spec, options);
    const kept = await keptOf(name, own, options);
    if (kept !== own) await removeById(own, options);
    return kept;
  }

  /**
   * Which network stays when other processes made one of that name at the same moment as `own`, because with two of one name neither
   * is usable: the oldest. The maker of a younger one takes it away. One who does not has looked before ours could be
   * seen, and uses it: then that one stays.
   */
  async function keptOf(name: string, own: string, options: Waiting): Promise<string> {
    const deadline = performance.now() + YIELD_MS;
    for (;;) {
      const [first, second] = (await named(name, options)).sort(byAge);
      if (first !== undefined && first.Id !== own) return first.Id;
      if (second === undefined) return own;
      if (performance.now() > deadline) return second.Id;
      await sleep(LOOK_EVERY_MS, options.signal);
    }
  }

  async function createNetwork(name: string, spec: NetworkSpec, options: Waiting) {
    const { api, path, json } = createRequest(kind, name, spec);
    const spoken = api === undefined ? http : http.withVersion(api);
    type Made = { readonly Id: string } | { readonly id: string };
    const made = await spoken.json<Made>({ method: 'POST', path, json, ...options });
    return 'Id' in made ? made.Id : made.id;
  }

  async function makeOrFind(name: string, spec: NetworkSpec, options: Waiting): Promise<string> {
    try {
      return await make(name, spec, options);
    } catch (error) {
      // Somebody was faster: 409 from Docker, 500 from Podman 4.3. What counts is that it is there.
      const isRefusal = error instanceof ThvError && error.code === 'ERR_ENGINE_REQUEST';
      const [oldest] = isRefusal ? (await named(name, options)).sort(byAge) : [];
      if (oldest === undefined) throw error;
      return oldest.Id;
    }
  }

  return {
    list,

    async find(idOrName, options = {}) {
      try {
        const path = `/networks/${encodeURIComponent(idOrName)}`;
        return await http.json<NetworkSummary>({ method: 'GET', path, ...options });
      } catch (error) {
        if (hasCode(error, 'ERR_ENGINE_REQUEST') && error.facts.status === 404) return undefined;
        throw error;
      }
    },

    async connect(network, container, { aliases, address }, options = {}) {
      const settings = {
        Aliases: aliases,
        ...(address === undefined ? {} : { IPAMConfig: { IPv4Address: address } }),
      };
      await http.send({
        method: 'POST',
        path: `/networks/${encodeURIComponent(network)}/connect`,
        json: { Container: container, EndpointConfig: settings },
        ...options,
      });
    },

    async disconnect(network, container, options = {}) {
      try {
        await http.send({
          method: 'POST',
          path: `/networks/${encodeURIComponent(network)}/disconnect`,
          json: { Container: container, Force: true },
          accept: [404],
          ...options,
        });
      } catch (error) {
        const isOut = hasCode(error, 'ERR_ENGINE_REQUEST') && error.facts.refusal === 'not-connected';
        if (!isOut) throw error;
      }
    },

    async ensure(name, spec, options = {}) {
      for (let other = underWay.get(name); other !== undefined; other = underWay.get(name)) {
        await other.catch(() => undefined); // its caller hears of it; ours tries by itself
      }
      const own = makeOrFind(name, spec, options).finally(() => underWay.delete(name));
      underWay.set(name, own);
      return await own;
    },

    async findSealed(name, options = {}) {
      const [oldest] = (await named(name, options)).sort(byAge);
      return oldest === undefined ? undefined : sealedSubnetOf(kind, oldest);
    },

    async remove(name, options = {}) {
      for (const { Id } of await named(name, options)) await removeById(Id, options);
    },
  };
}

function byAge(left: NetworkSummary, right: NetworkSummary): number {
  return left.Created.localeCompare(right.Created) || left.Id.localeCompare(right.Id);
}

/** Podman tells the gateway of a network that has none as `<nil>`. */
function withRealGateways(network: NetworkSummary): NetworkSummary {
  const { IPAM: ipam } = network;
  if (ipam?.Config === undefined) return network;
  const ranges = ipam.Config.map(({ Gateway: gateway, ...range }) =>
    gateway === undefined || isIP(gateway) === 0 ? range : { ...range, Gateway: gateway },
  );
  return { ...network, IPAM: { ...ipam, Config: ranges } };
}
