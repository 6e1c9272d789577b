import { LABEL, standardLabels } from '../../records/index.ts';
import type { DeploymentPlan, PlannedContainer } from '../planned.ts';
import type { IsolationAddresses } from './addresses.ts';

/** What the containers of the reference's topology are made of. */
export interface SquidFacts {
  readonly images: { readonly squid: string; readonly dns: string };
  /** Paths of what they are configured with; `dns` is `undefined` for the image's own settings. */
  readonly files: { readonly egress: string; readonly ingress: string; readonly dns: string | undefined };
  /** Port of this machine that leads to an HTTP server; `undefined` for stdio. */
  readonly ingressPort: number | undefined;
  readonly addresses: IsolationAddresses;
}

/** Three containers beside the server: a name service, and Squid for the way out and the way in (spec 03 §10.1). */
export function planSquid(
  server: PlannedContainer,
  networks: DeploymentPlan['networks'],
  { images, files, ingressPort, addresses }: SquidFacts,
): DeploymentPlan {
  const [external, internal] = networks.map(({ name }) => name);
  const sidecar = (
    suffix: 'dns' | 'egress' | 'ingress',
    own: Pick<PlannedContainer, 'image' | 'mounts' | 'capabilities'> &
      Partial<Pick<PlannedContainer, 'ports'>>,
  ): PlannedContainer => {
    const name = `${server.name}-${suffix}`;
    return {
      role: 'egress',
      name,
      command: [],
      environment: {},
      labels: {
        ...standardLabels({ containerName: name, baseName: name, transport: 'stdio', port: 80 }),
        [LABEL.auxiliaryWorkload]: 'true',
      },
      interactive: server.interactive,
      privileged: false,
      ports: [],
      networkMode: 'bridge',
      networks: [{ network: external ?? '' }, { network: internal ?? '', address: addresses[suffix] }],
      limits: { memoryBytes: undefined, cpus: undefined, pids: undefined },
      givenLimits: {},
      ...own,
    };
  };
  const configured = (source: string, target: string) => ({
    type: 'bind' as const,
    source,
    target,
    readOnly: true,
  });
  const squid = (suffix: 'egress' | 'ingress', ports: PlannedContainer['ports']) =>
    sidecar(suffix, {
      image: images.squid,
      mounts: [configured(files[suffix], '/etc/squid/squid.conf')],
      capabilities: ['CAP_SETUID', 'CAP_SETGID'],
      ports,
    });
  const dns = sidecar('dns', {
    image: images.dns,
    mounts: files.dns === undefined ? [] : [configured(files.dns, '/etc/dnsmasq.conf')],
    // To answer on port 53, and to become somebody else.
    capabilities: ['CAP_NET_BIND_SERVICE', 'CAP_SETUID', 'CAP_SETGID'],
  });
  const ingress =
    ingressPort === undefined
      ? []
      : [squid('ingress', [{ containerPort: ingressPort, hostAddress: '127.0.0.1', hostPort: ingressPort }])];
  return { networks, containers: [dns, squid('egress', []), server, ...ingress] };
}
