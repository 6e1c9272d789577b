import { expect, test } from 'bun:test';
import { networkPolicyOf, type PermissionProfile } from '../../records/index.ts';
import { dnsmasqConfig, squidEgressConfig, squidIngressConfig } from './squid-config.ts';

const egressRules = (profile: PermissionProfile, allowGateway = false) =>
  squidEgressConfig({ name: 'x', policy: networkPolicyOf(profile), gateway: '172.17.0.1', allowGateway })
    .split('\n')
    .slice(10);

const GATEWAY = [
  'acl docker_gateway_hosts dstdomain host.docker.internal gateway.docker.internal',
  'acl docker_gateway_ip dst 172.17.0.1',
  'http_access deny docker_gateway_hosts',
  'http_access deny docker_gateway_ip',
];

test.each<[what: string, profile: PermissionProfile, rules: readonly string[]]>([
  ['no network object', {}, ['http_access allow all']],
  [
    'everything, lists beside it',
    { network: { outbound: { insecure_allow_all: true, allow_host: ['a.example'] } } },
    ['http_access allow all'],
  ],
  [
    'hosts',
    { network: { outbound: { allow_host: ['a.example', '.b.example'] } } },
    ['acl allowed_dsts dstdomain a.example .b.example', 'http_access allow allowed_dsts'],
  ],
  [
    'a wildcard',
    { network: { outbound: { allow_host: ['*.a.example'] } } },
    ['acl allowed_dsts dstdomain .a.example', 'http_access allow allowed_dsts'],
  ],
  [
    'ports',
    { network: { outbound: { allow_port: [80, 443] } } },
    ['acl allowed_ports port 80 443', 'http_access allow allowed_ports'],
  ],
  [
    'hosts and ports',
    { network: { outbound: { allow_host: ['a.example'], allow_port: [443] } } },
    [
      'acl allowed_ports port 443',
      'acl allowed_dsts dstdomain a.example',
      'http_access allow allowed_ports allowed_dsts',
    ],
  ],
  ['neither', { network: { outbound: {} } }, []],
  ['no outbound', { network: {} }, []],
])('the way out of a profile with %s', (_, profile, rules) => {
  expect(egressRules(profile)).toEqual([...GATEWAY, ...rules, 'http_access deny all', '']);
});

test('the way to the machine is opened by the same rules turned round', () => {
  expect(egressRules({ network: {} }, true)).toEqual([
    ...GATEWAY.map((line) => line.replace('deny', 'allow')),
    'http_access deny all',
    '',
  ]);
});

test('a configuration of the way out in full', () => {
  const policy = networkPolicyOf({ network: {} });
  expect(squidEgressConfig({ name: 'x', policy, gateway: '10.0.0.1', allowGateway: false })).toBe(
    `http_port 3128
visible_hostname x-egress
access_log stdio:/dev/stdout squid
pid_filename none
max_filedescriptors 1024
cache deny all
cache_mem 0 MB
maximum_object_size 0 KB
maximum_object_size_in_memory 0 KB
cache_store_log none
acl docker_gateway_hosts dstdomain host.docker.internal gateway.docker.internal
acl docker_gateway_ip dst 10.0.0.1
http_access deny docker_gateway_hosts
http_access deny docker_gateway_ip
http_access deny all
`,
  );
});

const ingress = (inboundHosts: readonly string[]) =>
  squidIngressConfig({ name: 'x', port: 14_001, server: '198.19.0.3', targetPort: 8080, inboundHosts })
    .split('\n')
    .slice(9);
const PEER = [
  'http_port 0.0.0.0:14001 accel defaultsite=x',
  'cache_peer 198.19.0.3 parent 8080 0 no-query originserver name=origin_8080 connect-timeout=5 connect-fail-limit=5 standby=2',
];

test('the way in takes this machine and the server’s own name unless the profile lists names', () => {
  expect(ingress([])).toEqual([
    ...PEER,
    'acl site_8080 dstdomain x',
    'acl local_dst dst 127.0.0.1',
    'acl local_domain dstdomain localhost',
    'http_access allow site_8080',
    'http_access allow local_dst',
    'http_access allow local_domain',
    'http_access deny all',
    '',
  ]);
});

test.each([
  // Our own proxy holds requests to the list and passes them on as requests to this machine.
  [['mcp.example.com'], 'mcp.example.com 127.0.0.1'],
  [['localhost', '127.0.0.1'], 'localhost 127.0.0.1'],
])('the way in of %p', (hosts, names) => {
  expect(ingress(hosts)).toEqual([
    ...PEER,
    `acl allowed_hosts dstdomain ${names}`,
    'http_access allow allowed_hosts',
    'http_access deny all',
    '',
  ]);
});

test.each<[what: string, profile: PermissionProfile, config: string | undefined]>([
  ['everything is resolved', { network: { outbound: { insecure_allow_all: true } } }, undefined],
  ['any host at some ports', { network: { outbound: { allow_port: [443] } } }, undefined],
  ['nothing is', { network: { outbound: {} } }, 'no-resolv\naddress=/#/\n'],
  [
    'listed names are',
    { network: { outbound: { allow_host: ['a.example', '.b.example'] } } },
    `no-resolv
address=/#/
server=/a.example/1.0.0.1
server=/a.example/1.1.1.1
server=/b.example/1.0.0.1
server=/b.example/1.1.1.1
`,
  ],
])('names: %s', (_, profile, config) => {
  expect(dnsmasqConfig(networkPolicyOf(profile))).toBe(config);
});
