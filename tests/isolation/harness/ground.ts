import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEngine } from '../../../src/engine/index.ts';
import { resolvePaths, silentLogger } from '../../../src/platform/index.ts';
import { networkPolicyOf, type PermissionProfile } from '../../../src/records/index.ts';
import { openSidecar } from '../../../src/runtimes/container/sidecar/sidecar.ts';
import { obtainSidecarImage } from '../../../src/runtimes/container/sidecar/sidecar-image.ts';
import type { Sidecar } from '../../../src/runtimes/container/sidecar/types.ts';
import { EXTERNAL_NETWORK } from '../../../src/sandbox/index.ts';
import { type Engine, engineRequest } from '../../harness/engine.ts';
import { runInside } from '../../harness/run-inside.ts';

const PROBE = join(import.meta.dir, '..', 'fixtures', 'probe.js');

type Attempt = { readonly kind: string } & Readonly<Record<string, unknown>>;

/** Sidecar, networks and containers of one suite on one engine. */
export interface IsolationGround extends AsyncDisposable {
  readonly sidecar: Sidecar;
  readonly stateFolder: string;
  /** Another handle on the same state folder, as another process has one. */
  another(): Sidecar;
  name(): string;
  /** An internal network of 14 addresses. */
  network(): Promise<string>;
  /** A container that runs JavaScript; in the network with a way out unless another is named. Gives its address. */
  run(name: string, script: string, network?: string): Promise<string>;
  admit(name: string, network: string, outbound: Outbound, allowGateway?: boolean): Promise<string>;
  probe<Name extends string>(
    container: string,
    attempts: Readonly<Record<Name, Attempt>>,
  ): Promise<Record<Name, string>>;
  sidecars(): Promise<readonly { readonly name: string; readonly id: string }[]>;
}

type Outbound = NonNullable<NonNullable<PermissionProfile['network']>['outbound']>;

export async function openGround(under: Engine): Promise<IsolationGround> {
  const folder = await mkdtemp(join(tmpdir(), 'thv-isolation-'));
  const paths = { ...resolvePaths({ HOME: folder }), state: join(folder, 'state') };
  const kind = under.kind.toUpperCase();
  const env = { HOME: folder, [`TOOLHIVE_${kind}_SOCKET`]: under.socket };
  const engine = await openEngine({ wanted: under.kind, env });
  const options = { paths, env: {}, logger: silentLogger };
  const handles: Sidecar[] = [];
  const another = () => {
    const handle = openSidecar(engine, options);
    handles.push(handle);
    return handle;
  };
  const sidecar = another();
  const { image } = await obtainSidecarImage(engine, options);
  const containers: string[] = [];
  const networks: string[] = [];
  const admitted: string[] = [];
  const word = Math.random().toString(36).slice(2, 7);
  const range = 20 + Math.floor(Math.random() * 60);
  let count = 0;
  const name = () => `iso-${word}-${++count}`;
  const id = await engine.networks.ensure(EXTERNAL_NETWORK, {
    labels: { toolhive: 'true' },
  });
  const outward = engine.kind === 'docker' ? id : EXTERNAL_NETWORK;
  return {
    sidecar,
    stateFolder: paths.state,
    another,
    name,
    async network() {
      const network = name();
      const Subnet = `10.${range}.${networks.length}.0/28`;
      const Options = under.kind === 'docker' ? { 'com.docker.network.bridge.inhibit_ipv4': 'true' } : {};
      const body = {
        Name: network,
        Driver: 'bridge',
        Internal: true,
        IPAM: { Config: [{ Subnet }] },
        Options,
      };
      const answer = await engineRequest(under, 'POST', '/networks/create', JSON.stringify(body));
      if (!answer.ok) throw new Error(await answer.text());
      networks.push(network);
      return network;
    },
    async run(container, script, network = outward) {
      await engine.containers.create(container, {
        Image: image.reference,
        Entrypoint: ['/thv'],
        Cmd: ['-e', script],
        HostConfig: { NetworkMode: network },
        NetworkingConfig: { EndpointsConfig: { [network]: {} } },
      });
      containers.push(container);
      await engine.containers.start(container);
      const details = await engine.containers.find(container);
      return Object.values(details?.NetworkSettings.Networks ?? {})[0]?.IPAddress ?? '';
    },
    async admit(workload, network, outbound, allowGateway = false) {
      admitted.push(workload);
      const policy = networkPolicyOf({ network: { outbound } });
      return (await sidecar.admit({ name: workload, network, policy, allowGateway })).dnsAddress;
    },
    async probe(container, attempts) {
      const command = ['/thv', '-e', await Bun.file(PROBE).text(), '--', JSON.stringify(attempts)];
      return (await runInside(under, container, command)) as Record<keyof typeof attempts, string>;
    },
    async sidecars() {
      const listed = await engine.containers.list({
        all: true,
        labels: [`toolhive-egress-state=${paths.state}`],
      });
      return listed.map(({ Names, Id }) => ({ name: (Names[0] ?? '').replace(/^\//, ''), id: Id }));
    },
    async [Symbol.asyncDispose]() {
      for (const container of containers) await engine.containers.remove(container, { force: true });
      for (const workload of admitted) await sidecar.release(workload).catch(() => undefined);
      for (const handle of handles) await handle[Symbol.asyncDispose]();
      const left = await engine.containers.list({
        all: true,
        labels: [`toolhive-egress-state=${paths.state}`],
      });
      for (const { Id } of left) await engine.containers.remove(Id, { force: true });
      for (const network of networks) await engine.networks.remove(network);
      await rm(folder, { recursive: true, force: true });
    },
  };
}
