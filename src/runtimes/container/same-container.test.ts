import { expect, test } from 'bun:test';
import type { ContainerDetails } from '../../engine/index.ts';
import type { ResourceLimits } from '../../records/index.ts';
import type { PlannedContainer } from '../../sandbox/index.ts';
import { isSameContainer } from './same-container.ts';

const ID = `sha256:${'a'.repeat(64)}`;
const OTHER_ID = `sha256:${'b'.repeat(64)}`;

const wanted: PlannedContainer = {
  role: 'server',
  name: 'x',
  image: 'example/server:1',
  command: ['serve'],
  environment: { A: '1' },
  labels: { toolhive: 'true' },
  interactive: true,
  privileged: false,
  mounts: [{ type: 'bind', source: '/h', target: '/c', readOnly: true }],
  ports: [{ containerPort: 80, hostAddress: '127.0.0.1', hostPort: 8080 }],
  networkMode: '',
  networks: [{ network: 'toolhive-external' }],
  limits: { memoryBytes: 4096, cpus: undefined, pids: 2048 },
  givenLimits: {},
};
const withLimits = (givenLimits: ResourceLimits): PlannedContainer => ({ ...wanted, givenLimits });

/** The parts of an engine's answer that are compared; the rest does not matter here. */
interface Facts {
  readonly image?: string;
  readonly config?: object;
  readonly host?: object;
  readonly mounts?: readonly object[];
}

const existing = ({ image = OTHER_ID, config, host, mounts }: Facts = {}) =>
  ({
    Image: image,
    Config: {
      Image: 'example/server:1',
      Cmd: ['serve'],
      Env: ['PATH=/bin', 'A=1'],
      Labels: { toolhive: 'true', other: 'x' },
      OpenStdin: true,
      ...config,
    },
    HostConfig: {
      NetworkMode: 'toolhive-external',
      CapDrop: ['ALL'],
      CapAdd: null,
      Privileged: false,
      RestartPolicy: { Name: 'unless-stopped' },
      PortBindings: { '80/tcp': [{ HostIp: '127.0.0.1', HostPort: '8080' }] },
      Memory: 4096,
      PidsLimit: 2048,
      ...host,
    },
    Mounts: mounts ?? [{ Type: 'bind', Source: '/h', Destination: '/c', RW: false }],
  }) as unknown as ContainerDetails;

test.each<[string, Facts]>([
  ['as it was asked for', {}],
  ['with the image name Podman gives local images', { config: { Image: 'localhost/example/server:1' } }],
  ['with the image name in full', { config: { Image: 'docker.io/example/server:1' } }],
  [
    'with capabilities listed one by one',
    { host: { CapDrop: ['CAP_A', 'CAP_B', 'CAP_C', 'CAP_D', 'CAP_E', 'CAP_F'] } },
  ],
  ['with the default network mode spelled out', { host: { NetworkMode: 'bridge' } }],
  [
    'with a volume of the image',
    {
      mounts: [
        { Type: 'volume', Name: 'a'.repeat(64), Destination: '/v', RW: true },
        { Type: 'bind', Source: '/h', Destination: '/c', RW: false },
      ],
    },
  ],
])('a container %s is reused', (_, facts) => {
  expect(isSameContainer(existing(facts), wanted)).toBe(true);
});

test.each<[string, Facts]>([
  ['another image', { config: { Image: 'example/server:2' } }],
  ['other arguments', { config: { Cmd: ['serve', '-v'] } }],
  ['another value of a variable', { config: { Env: ['A=2'] } }],
  ['a missing label', { config: { Labels: {} } }],
  ['closed stdin', { config: { OpenStdin: false } }],
  ['another network mode', { host: { NetworkMode: 'host' } }],
  ['privileges', { host: { Privileged: true } }],
  ['an added capability', { host: { CapAdd: ['NET_ADMIN'] } }],
  ['capabilities that were not dropped', { host: { CapDrop: null } }],
  ['another restart policy', { host: { RestartPolicy: { Name: 'no' } } }],
  ['another source of a mount', { mounts: [{ Type: 'bind', Source: '/x', Destination: '/c', RW: false }] }],
  ['a mount that may be written', { mounts: [{ Type: 'bind', Source: '/h', Destination: '/c', RW: true }] }],
  [
    'a named volume more',
    {
      mounts: [
        { Type: 'volume', Name: 'data', Destination: '/v', RW: true },
        { Type: 'bind', Source: '/h', Destination: '/c', RW: false },
      ],
    },
  ],
  ['no mount', { mounts: [] }],
  ['another host port', { host: { PortBindings: { '80/tcp': [{ HostIp: '127.0.0.1', HostPort: '9' }] } } }],
  ['another host address', { host: { PortBindings: { '80/tcp': [{ HostIp: '', HostPort: '8080' }] } } }],
  [
    'one port more',
    {
      host: {
        PortBindings: {
          '80/tcp': [{ HostIp: '127.0.0.1', HostPort: '8080' }],
          '81/tcp': [{ HostPort: '81' }],
        },
      },
    },
  ],
])('a container with %s is made anew', (_, facts) => {
  expect(isSameContainer(existing(facts), wanted)).toBe(false);
});

const unlimited = { host: { Memory: 0, NanoCpus: 0, PidsLimit: null } };

test('a container of a version without limits is kept until the user sets some', () => {
  expect(isSameContainer(existing(unlimited), wanted)).toBe(true);
  expect(isSameContainer(existing({ host: { Memory: 0, PidsLimit: 2048 } }), withLimits({}))).toBe(true);
});

test.each([{ memory: '4k' }, { pids: 2048 }])('a limit that the user set has to be there: %p', (given) => {
  expect(isSameContainer(existing(unlimited), withLimits(given))).toBe(false);
});

test.each([{ Memory: 8192 }, { NanoCpus: 1 }, { PidsLimit: 100 }])(
  'a container with another limit is made anew: %p',
  (host) => expect(isSameContainer(existing({ host }), wanted)).toBe(false),
);

const resolved: PlannedContainer = {
  ...wanted,
  image: { reference: 'example/server:1', digest: ID, provenance: { from: 'engine' } },
};

test.each<[string, Facts, boolean]>([
  ['of it', { image: ID }, true],
  ['of it, as Podman tells ids', { image: 'a'.repeat(64) }, true],
  ['of it, made under another name', { image: ID, config: { Image: 'example/server:stable' } }, true],
  ['made from its id, where the engine tells another one', { config: { Image: ID } }, true],
  ['of what its name meant before', {}, false],
])('where an image was resolved, a container %s is the same: %p', (_, facts, expected) => {
  expect(isSameContainer(existing(facts), resolved)).toBe(expected);
});
