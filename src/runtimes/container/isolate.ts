import type { Engine } from '../../engine/index.ts';
import { ThvError, within } from '../../errors/index.ts';
import { findFreePort, type Logger, type Paths } from '../../platform/index.ts';
import {
  baseNameOf,
  containerNameOf,
  isIsolated,
  type NetworkPolicy,
  networkPolicyOf,
  type RunConfig,
} from '../../records/index.ts';
import {
  addressesIn,
  dnsmasqConfig,
  type Isolation,
  type IsolationAddresses,
  internalNetwork,
  isolationFolder,
  plannedInternalNetwork,
  profileOf,
  randomSubnet,
  squidEgressConfig,
  squidIngressConfig,
  writeIsolationFiles,
} from '../../sandbox/index.ts';
import type { RuntimeServices } from '../runtime.ts';
import { findByExactName } from './containers.ts';
import { removeNetwork } from './isolation-parts.ts';
import { networkProxyOf } from './network-proxy.ts';
import { warnOfBridgeFilter } from './seal.ts';
import type { Sidecar } from './sidecar/types.ts';

interface IsolateOptions {
  readonly env: RuntimeServices['env'];
  readonly paths: Paths;
  readonly logger: Logger;
  /** The sidecar of the state folder in this engine. */
  readonly sidecar: (engine: Engine) => Promise<Sidecar>;
  readonly signal: AbortSignal;
}

/**
 * How a workload is isolated, `undefined` where it is not. What does not have to be a container of the plan is made here: files and
 * images. Its network is looked at, and removed if it does not isolate.
 */
export async function isolationOf(
  engine: Engine,
  config: RunConfig,
  options: IsolateOptions,
): Promise<Isolation | undefined> {
  if (!isIsolated(config)) return undefined;
  const by = networkProxyOf(options.env);
  if (by === 'squid' && config.learn_permissions !== undefined)
    throw new ThvError(
      'ERR_INPUT_INVALID',
      { reason: '--learn-permissions needs the network proxy that is built in' },
      { hint: 'unset TOOLHIVE_NETWORK_PROXY' },
    );
  warnOfBridgeFilter(engine, options.logger);
  const addresses = await within('failed to create internal network', () =>
    findAddresses(engine, containerNameOf(config), options),
  );
  return by === 'sidecar'
    ? await sidecarOf(engine, config, addresses, options)
    : await squidOf(engine, config, addresses, options);
}

/** Those of the network that is there, so that containers keep theirs; else any. */
async function findAddresses(
  engine: Engine,
  container: string,
  { logger, signal }: IsolateOptions,
): Promise<IsolationAddresses> {
  const network = internalNetwork(container);
  const subnet = await engine.networks.findSealed(network, { signal });
  if (subnet !== undefined) return addressesIn(subnet);
  if (await removeNetwork(engine, network)) {
    logger.info('replacing a network that other versions made, because the machine can be reached from it', {
      network,
    });
  }
  return addressesIn(randomSubnet());
}

/** The sidecar lets the workload in before its container is made, so that there is no moment without rules. */
async function sidecarOf(
  engine: Engine,
  config: RunConfig,
  addresses: IsolationAddresses,
  { sidecar, signal }: IsolateOptions,
): Promise<Isolation> {
  const name = containerNameOf(config);
  const { name: network, ...spec } = plannedInternalNetwork(name, addresses.subnet);
  await within('failed to create internal network', () => engine.networks.ensure(network, spec));
  const { dnsAddress } = await within('failed to set up egress proxy', async () =>
    (await sidecar(engine)).admit(
      {
        name,
        network,
        policy: policyFor(config),
        allowGateway: config.allow_docker_gateway === true,
      },
      signal,
    ),
  );
  return { by: 'sidecar', addresses: { ...addresses, egress: dnsAddress } };
}

/** While it is learned what a server needs, all of the network is open to it. */
function policyFor(config: RunConfig): NetworkPolicy {
  const policy = networkPolicyOf(profileOf(config));
  return config.learn_permissions === undefined
    ? policy
    : { ...policy, outbound: { type: 'everything', localPorts: [] } };
}

const SQUID_IMAGE = 'ghcr.io/stacklok/toolhive/egress-proxy:latest';
const DNS_IMAGE = 'dockurr/dnsmasq:latest';
/** Where engines have the machine unless they say otherwise. */
const USUAL_GATEWAY = '172.17.0.1';

async function squidOf(
  engine: Engine,
  config: RunConfig,
  addresses: IsolationAddresses,
  { env, paths, signal }: IsolateOptions,
): Promise<Isolation> {
  const name = containerNameOf(config);
  const policy = networkPolicyOf(profileOf(config));
  const images = {
    squid: await haveImage(engine, env['TOOLHIVE_EGRESS_IMAGE'] || SQUID_IMAGE, 'squid', signal),
    dns: await haveImage(engine, env['TOOLHIVE_DNS_IMAGE'] || DNS_IMAGE, 'DNS', signal),
  };
  const ingressPort =
    config.transport === 'stdio' ? undefined : await chooseIngressPort(engine, `${name}-ingress`, signal);
  const { egress, ingress, dns } = await writeIsolationFiles(
    isolationFolder(paths.state, baseNameOf(config)),
    {
      egress: squidEgressConfig({
        name,
        policy,
        gateway: await findGateway(engine, signal),
        allowGateway: config.allow_docker_gateway === true,
      }),
      ingress: squidIngressConfig({
        name,
        port: ingressPort ?? 0,
        server: addresses.server,
        targetPort: config.target_port,
        inboundHosts: policy.inboundHosts,
      }),
      dns: dnsmasqConfig(policy),
    },
  );
  if (egress === undefined || ingress === undefined) throw new Error('unreachable');
  return { by: 'squid', addresses, images, files: { egress, ingress, dns }, ingressPort };
}

/** Pulled only when it is missing, and never with the login of the user's images (spec 03 §15-B12, B13). */
async function haveImage(engine: Engine, image: string, what: string, signal: AbortSignal): Promise<string> {
  if ((await engine.images.find(image, { signal })) !== undefined) return image;
  await within(`failed to pull ${what} image`, () => engine.images.pull(image, { owner: 'program', signal }));
  return image;
}

/** The port that clients of the container know already. */
async function chooseIngressPort(engine: Engine, ingress: string, signal: AbortSignal): Promise<number> {
  const existing = await findByExactName(engine, ingress, signal);
  const bindings = Object.values(existing?.HostConfig.PortBindings ?? {});
  const [bound] = bindings.flatMap(
    (each) => (each as readonly { readonly HostPort?: string }[] | null) ?? [],
  );
  return Number(bound?.HostPort ?? 0) || (await findFreePort());
}

/** The machine as containers of the engine's default network reach it (spec 03 §10.4). */
async function findGateway(engine: Engine, signal: AbortSignal): Promise<string> {
  try {
    const networks = await engine.networks.list({ name: 'bridge' }, { signal });
    const bridge = networks.find(({ Name }) => Name === 'bridge');
    const gateway = bridge?.IPAM?.Config?.find(({ Gateway }) => Gateway !== undefined)?.Gateway;
    return gateway || USUAL_GATEWAY;
  } catch {
    return USUAL_GATEWAY; // the rule then holds for where the machine usually is
  }
}
