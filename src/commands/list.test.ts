import { expect, test } from 'bun:test';
import type { Workload } from '../workloads/index.ts';
import { workloadToJson } from '../workloads/index.ts';
import { mcpServers, renderWorkloads } from './list.ts';
import { jsonStatus, renderStatus } from './status.ts';

const fetchServer: Workload = {
  name: 'fetch',
  package: 'ghcr.io/x/fetch:1',
  url: 'http://127.0.0.1:14001/sse#fetch',
  port: 14_001,
  transport: 'stdio',
  proxyMode: 'sse',
  status: 'running',
  statusContext: 'fine',
  createdAt: new Date('2026-08-21T10:00:00Z'),
  startedAt: new Date('2026-08-21T10:00:00.250Z'),
  labels: { z: '1', k: 'v' },
  group: 'default',
  tools: ['a'],
  remote: false,
};

const bare: Workload = {
  ...fetchServer,
  name: 'bare',
  package: 'remote',
  transport: 'streamable-http',
  proxyMode: undefined,
  status: 'auth_retrying',
  statusContext: undefined,
  createdAt: new Date('2026-08-21T10:00:00.120Z'),
  startedAt: undefined,
  labels: {},
  group: undefined,
  tools: [],
  remote: true,
};

test('the table of workloads', () => {
  expect(renderWorkloads([bare, fetchServer])).toBe(
    `NAME    PACKAGE             STATUS            URL                                PORT    GROUP     CREATED
bare    remote              🔄 auth_retrying   http://127.0.0.1:14001/sse#fetch   14001             2026-08-21 10:00:00.12 +0000 UTC
fetch   ghcr.io/x/fetch:1   running           http://127.0.0.1:14001/sse#fetch   14001   default   2026-08-21 10:00:00 +0000 UTC
`,
  );
});

test('the JSON of a workload leaves out what is empty', () => {
  expect(JSON.stringify(workloadToJson(fetchServer))).toBe(
    '{"name":"fetch","package":"ghcr.io/x/fetch:1","url":"http://127.0.0.1:14001/sse#fetch","port":14001,"transport_type":"stdio","proxy_mode":"sse","status":"running","status_context":"fine","created_at":"2026-08-21T10:00:00Z","labels":{"k":"v","z":"1"},"group":"default","tools":["a"],"started_at":"2026-08-21T10:00:00.25Z"}',
  );
  expect(JSON.stringify(workloadToJson(bare))).toBe(
    '{"name":"bare","package":"remote","url":"http://127.0.0.1:14001/sse#fetch","port":14001,"transport_type":"streamable-http","status":"auth_retrying","created_at":"2026-08-21T10:00:00.12Z","remote":true,"started_at":"0001-01-01T00:00:00Z"}',
  );
});

test('client settings have sorted names and the effective mode', () => {
  expect(JSON.stringify(mcpServers([fetchServer, bare]))).toBe(
    '{"mcpServers":{"bare":{"type":"streamable-http","url":"http://127.0.0.1:14001/sse#fetch"},"fetch":{"type":"sse","url":"http://127.0.0.1:14001/sse#fetch"}}}',
  );
  expect(mcpServers([])).toEqual({ mcpServers: {} });
});

test('status as text', () => {
  expect(renderStatus(fetchServer, new Date('2026-08-22T12:03:01Z'))).toBe(`Name:         fetch
Status:       running
Health:       fine
Package:      ghcr.io/x/fetch:1
URL:          http://127.0.0.1:14001/sse#fetch
Port:         14001
Transport:    stdio
Proxy Mode:   sse
Group:        default
Created:      2026-08-21 10:00:00
Uptime:       1d 2h 3m
`);
  expect(renderStatus(bare, new Date())).toBe(`Name:        bare
Status:      auth_retrying
Package:     remote
URL:         http://127.0.0.1:14001/sse#fetch
Port:        14001
Transport:   streamable-http
Created:     2026-08-21 10:00:00
Remote:      true
`);
});

test.each([
  ['2026-08-21T10:00:30Z', '0m'],
  ['2026-08-21T10:03:30Z', '3m'],
  ['2026-08-21T12:03:30Z', '2h 3m'],
  ['2026-08-21T09:00:00Z', '0m'],
])('uptime at %s', (now, uptime) => {
  expect(jsonStatus(fetchServer, new Date(now))).toMatchObject({ uptime });
});

test('status as JSON leaves out what is empty', () => {
  expect(JSON.stringify(jsonStatus(bare, new Date()))).toBe(
    '{"name":"bare","status":"auth_retrying","package":"remote","url":"http://127.0.0.1:14001/sse#fetch","port":14001,"transport":"streamable-http"}',
  );
  expect(jsonStatus({ ...fetchServer, status: 'stopped' }, new Date())).not.toHaveProperty('uptime');
});

test('status tells what a process may use, what holds that, and where its sandbox is weak', () => {
  const limited: Workload = {
    ...bare,
    process: { isConfined: true },
    limits: {
      memory: { limit: '4g', held_by: 'control group' },
      pids: { limit: 2048, held_by: 'resource limit' },
    },
    weaknesses: ['services of this machine can be reached'],
  };
  expect(renderStatus(limited, new Date())).toContain(
    'Limits:      memory 4g (control group), pids 2048 (resource limit)\nWeakness:    services of this machine can be reached\n',
  );
  expect(jsonStatus(limited, new Date())).toMatchObject({
    limits: { memory: { limit: '4g', held_by: 'control group' } },
    weaknesses: ['services of this machine can be reached'],
  });
});
