import { expect, test } from 'bun:test';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type LogFields, type Logger, silentLogger } from '../platform/index.ts';
import { parseRunConfig, type RunConfig } from '../records/index.ts';
import { containerSpec } from './container-spec.ts';
import { planDeployment } from './deployment-plan.ts';
import { networkProfile, withNetworkMode, withVolumes } from './permission-profile.ts';
import type { PlannedContainer } from './planned.ts';
import { parseVolume } from './volume.ts';

const config = (document: object) =>
  parseRunConfig(JSON.stringify({ image: 'example/server:1', name: 'x', transport: 'stdio', ...document }));

/** The create request for the server of a document's plan. */
function specOf(document: RunConfig, facts: Parameters<typeof planDeployment>[1]) {
  const [server, ...more] = planDeployment(document, facts).containers;
  expect(more).toEqual([]);
  return containerSpec(server as PlannedContainer);
}

test('a stdio server gets stdin, no ports, no capabilities and no new privileges', () => {
  const spec = specOf(
    config({
      cmd_args: ['serve'],
      env_vars: { K: 'V', MCP_TRANSPORT: 'sse' },
      resource_limits: { memory: '512m', cpus: 1.5 },
    }),
    { hostPort: undefined, logger: silentLogger },
  );
  expect(spec).toEqual({
    Image: 'example/server:1',
    Cmd: ['serve'],
    Env: ['K=V', 'MCP_TRANSPORT=stdio'],
    Labels: { 'toolhive-network-isolation': 'false' },
    AttachStdin: true,
    AttachStdout: true,
    AttachStderr: true,
    OpenStdin: true,
    Tty: false,
    ExposedPorts: {},
    HostConfig: {
      Mounts: [],
      NetworkMode: '',
      CapDrop: ['ALL'],
      CapAdd: [],
      SecurityOpt: ['label:disable', 'no-new-privileges'],
      Privileged: false,
      RestartPolicy: { Name: 'unless-stopped' },
      PortBindings: {},
      ShmSize: 67_108_864,
      Memory: 536_870_912,
      MemorySwap: 536_870_912,
      NanoCpus: 1_500_000_000,
      PidsLimit: 2048,
    },
    NetworkingConfig: { EndpointsConfig: { 'toolhive-external': { NetworkID: 'toolhive-external' } } },
  });
});

test('the port of an HTTP server is bound on loopback only, whatever address the proxy listens on', () => {
  const spec = specOf(
    config({ transport: 'sse', host: '0.0.0.0', target_port: 8080, publish: ['9000:9000', '9001'] }),
    { hostPort: 18_080, logger: silentLogger },
  );
  expect(spec.HostConfig?.PortBindings).toEqual({
    '9000/tcp': [{ HostIp: '', HostPort: '9000' }],
    '9001/tcp': [{ HostIp: '', HostPort: '' }],
    '8080/tcp': [{ HostIp: '127.0.0.1', HostPort: '18080' }],
  });
  expect(spec.Env).toEqual(['MCP_TRANSPORT=sse', 'MCP_PORT=8080', 'FASTMCP_PORT=8080', 'MCP_HOST=127.0.0.1']);
  expect(spec.OpenStdin).toBe(false);
});

test('what is not to be limited has no limit, not even the one of the engine', () => {
  const { HostConfig: host = {} } = specOf(
    config({ resource_limits: { memory: 'unlimited', cpus: 0, pids: 0 } }),
    { hostPort: undefined, logger: silentLogger },
  );
  expect([host.Memory, host.MemorySwap, host.NanoCpus, host.PidsLimit]).toEqual([
    undefined,
    undefined,
    undefined,
    -1,
  ]);
});

test('a network mode other than bridge joins no network of ours', () => {
  const profile = withNetworkMode(networkProfile(), 'none');
  const spec = specOf(config({ permission_profile: profile }), { hostPort: undefined, logger: silentLogger });
  expect(spec.HostConfig?.NetworkMode).toBe('none');
  expect(spec.NetworkingConfig).toEqual({ EndpointsConfig: {} });
});

test('volumes become bind mounts; the first one on a target wins and the second is warned about', () => {
  const folder = mkdtempSync(join(tmpdir(), 'thv-volumes-'));
  const warnings: LogFields[] = [];
  const logger: Logger = { ...silentLogger, warn: (_, fields = {}) => void warnings.push(fields) };
  const profile = withVolumes(
    networkProfile(),
    [`${folder}:/data:ro`, `${folder}:/out`, `${folder}:/data`].map((text) => parseVolume(text)),
    logger,
  );
  const spec = specOf(config({ permission_profile: profile }), { hostPort: undefined, logger });
  expect(spec.HostConfig?.Mounts).toEqual([
    { Type: 'bind', Source: folder, Target: '/data', ReadOnly: true },
    { Type: 'bind', Source: folder, Target: '/out', ReadOnly: false },
  ]);
  expect(warnings).toEqual([{ target: '/data' }]);
});

test('named volumes are mounted as such, with and without the scheme; a later write grant opens one', () => {
  const profile = withVolumes(
    { ...networkProfile(), read: ['volume://shared:/shared'], write: ['volume://shared:/shared'] },
    ['thv-test-cache:/cache', 'volume://thv-test-models:/models:ro', 'thv-test-other:/cache'].map((text) =>
      parseVolume(text),
    ),
    silentLogger,
  );
  const spec = specOf(config({ permission_profile: profile }), { hostPort: undefined, logger: silentLogger });
  expect(spec.HostConfig?.Mounts).toEqual([
    { Type: 'volume', Source: 'shared', Target: '/shared', ReadOnly: false },
    { Type: 'volume', Source: 'thv-test-models', Target: '/models', ReadOnly: true },
    { Type: 'volume', Source: 'thv-test-cache', Target: '/cache', ReadOnly: false },
  ]);
});

test.each([
  [
    's3://bucket:/data',
    'invalid volume format: s3://bucket:/data (only volume:// is supported as a resource',
  ],
  ['volume://a b:/data', 'invalid volume format: volume://a b:/data (invalid volume name: a b'],
  ['./missing:/data', 'volume source path does not exist: '],
  ['/nonexistent/x:/data', 'volume source path does not exist: /nonexistent/x'],
  ['a:b:c', 'invalid volume format: a:b:c (invalid mount declaration format'],
  ['/tmp:relative', 'invalid volume format: /tmp:relative (container path must be absolute: relative)'],
])('volume %j is refused: %s', (volume, message) => {
  expect(() => parseVolume(volume)).toThrow(message);
});
