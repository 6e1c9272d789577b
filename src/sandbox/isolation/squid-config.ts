import type { NetworkPolicy } from '../../records/index.ts';

/** What the reference configures Squid and dnsmasq with (spec 03 §10.2); the order of rules is theirs, the first that matches counts. */

export const EGRESS_PORT = 3128;
/** Names by which engines let containers reach the machine. */
const GATEWAY_NAMES = ['host.docker.internal', 'gateway.docker.internal'];

interface EgressFacts {
  /** Name of the server's container. */
  readonly name: string;
  readonly policy: NetworkPolicy;
  /** Address of the machine in the engine's default network. */
  readonly gateway: string;
  readonly allowGateway: boolean;
}

/** The way out: granted hosts and ports only. */
export function squidEgressConfig({ name, policy, gateway, allowGateway }: EgressFacts): string {
  const verdict = allowGateway ? 'allow' : 'deny';
  return text([
    `http_port ${EGRESS_PORT}`,
    ...common(`${name}-egress`),
    `acl docker_gateway_hosts dstdomain ${GATEWAY_NAMES.join(' ')}`,
    `acl docker_gateway_ip dst ${gateway}`,
    `http_access ${verdict} docker_gateway_hosts`,
    `http_access ${verdict} docker_gateway_ip`,
    ...outboundRules(policy),
    'http_access deny all',
  ]);
}

function outboundRules({ outbound }: NetworkPolicy): readonly string[] {
  switch (outbound.type) {
    case 'everything':
      return ['http_access allow all'];
    case 'nothing':
      return [];
    case 'listed': {
      const { hosts, ports } = outbound;
      const lists = [
        ...(ports.length > 0 ? [`acl allowed_ports port ${ports.join(' ')}`] : []),
        ...(hosts.length > 0 ? [`acl allowed_dsts dstdomain ${hosts.map(squidDomain).join(' ')}`] : []),
      ];
      const names = lists.map((line) => line.split(' ')[1]);
      return [...lists, `http_access allow ${names.join(' ')}`];
    }
  }
}

/** A wildcard as Squid writes it. */
function squidDomain(host: string): string {
  return host.replace(/^\*\./, '.');
}

interface IngressFacts {
  readonly name: string;
  /** Port on this machine, and the same inside. */
  readonly port: number;
  /** Address and port of the server. */
  readonly server: string;
  readonly targetPort: number;
  readonly inboundHosts: readonly string[];
}

/** The way in: requests to names that the profile lists, or to this machine. */
export function squidIngressConfig(facts: IngressFacts): string {
  const { name, port, server, targetPort, inboundHosts } = facts;
  const allowed =
    inboundHosts.length > 0
      ? [`acl allowed_hosts dstdomain ${withMachine(inboundHosts)}`, 'http_access allow allowed_hosts']
      : [
          `acl site_${targetPort} dstdomain ${name}`,
          'acl local_dst dst 127.0.0.1',
          'acl local_domain dstdomain localhost',
          `http_access allow site_${targetPort}`,
          'http_access allow local_dst',
          'http_access allow local_domain',
        ];
  return text([
    ...common(`${name}-ingress`),
    `http_port 0.0.0.0:${port} accel defaultsite=${name}`,
    `cache_peer ${server} parent ${targetPort} 0 no-query originserver name=origin_${targetPort} connect-timeout=5 connect-fail-limit=5 standby=2`,
    ...allowed,
    'http_access deny all',
  ]);
}

/** Our proxy, which holds requests to the list itself, passes them on as requests to this machine. */
function withMachine(hosts: readonly string[]): string {
  return [...new Set([...hosts.map(squidDomain), '127.0.0.1'])].join(' ');
}

/** Resolvers that the reference's image asks unless it is told otherwise. */
const RESOLVERS = ['1.0.0.1', '1.1.1.1'];

/**
 * A name service for the listed names only, because a name that is looked up is data that leaves (spec 03 §15-B12); `undefined` where
 * the profile lists no names, and the image resolves everything as it does in the reference.
 */
export function dnsmasqConfig({ outbound }: NetworkPolicy): string | undefined {
  if (outbound.type === 'everything') return undefined;
  const hosts = outbound.type === 'listed' ? outbound.hosts : [];
  if (outbound.type === 'listed' && hosts.length === 0) return undefined;
  return text([
    'no-resolv',
    'address=/#/',
    ...hosts.flatMap((host) =>
      RESOLVERS.map((resolver) => `server=/${host.replace(/^\*?\./, '')}/${resolver}`),
    ),
  ]);
}

function common(hostname: string): readonly string[] {
  return [
    `visible_hostname ${hostname}`,
    'access_log stdio:/dev/stdout squid',
    'pid_filename none',
    'max_filedescriptors 1024',
    'cache deny all',
    'cache_mem 0 MB',
    'maximum_object_size 0 KB',
    'maximum_object_size_in_memory 0 KB',
    'cache_store_log none',
  ];
}

function text(lines: readonly string[]): string {
  return `${lines.join('\n')}\n`;
}
