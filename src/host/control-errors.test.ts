import { expect, test } from 'bun:test';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Hono } from 'hono';
import { isShortage, ThvError } from '../errors/index.ts';
import { type Paths, silentLogger } from '../platform/index.ts';
import type { WorkloadName } from '../records/index.ts';
import { openControl } from './control-listener.ts';
import { type Hello, PROTOCOL } from './control-protocol.ts';
import { findHost } from './host-client.ts';
import { controlApp, type Runs } from './run-host.ts';

const NAME = 'a' as WorkloadName;

/** What a command catches when the host throws `thrown` at its start. */
async function caught(appOf: (hello: Hello) => Hono, name = NAME): Promise<unknown> {
  const folder = await mkdtemp(join(tmpdir(), 'control-'));
  const paths = { state: folder, temporary: folder } as Paths;
  const hello = {
    program: 'thv',
    protocol: PROTOCOL,
    version: '1',
    builtAt: '',
    processId: process.pid,
    stateFolder: folder,
  } as const;
  const control = await openControl(paths, appOf(hello), silentLogger);
  try {
    const host = await findHost(paths);
    return await host?.start(name, { environment: {}, runtime: '' }).catch((error: unknown) => error);
  } finally {
    await control.stop();
    await rm(folder, { recursive: true });
  }
}

const hostThat = (start: Runs['start']) => (hello: Hello) =>
  controlApp(hello, { start, observed: () => ({}) } as unknown as Runs, () => {}, silentLogger);

test('an error of the host reaches the command with its code, facts, hint and exit code', async () => {
  const thrown = new ThvError(
    'ERR_ENGINE_UNAVAILABLE',
    { reason: 'gone' },
    { hint: 'start it', exitCode: 3 },
  );
  const error = await caught(hostThat(() => Promise.reject(thrown)));
  const { code, facts, hint, exitCode, message } = thrown;
  expect(error).toMatchObject({ code, facts, hint, exitCode, message });
});

test('a full disk of the host is a full disk for the command', async () => {
  const full = Object.assign(new Error('ENOSPC: no space left on device'), {
    code: 'ENOSPC',
    syscall: 'write',
  });
  const error = await caught(hostThat(() => Promise.reject(full)));
  expect([(error as ThvError).code, isShortage(error)]).toEqual(['ERR_SYSTEM', true]);
});

test('a name that the host refuses is refused as the command itself would', async () => {
  const error = await caught(
    hostThat(() => Promise.resolve()),
    'A%20B' as WorkloadName,
  );
  expect((error as ThvError).code).toBe('ERR_WORKLOAD_NAME_INVALID');
});

test('a host of an older version is quoted', async () => {
  const error = await caught((hello) => {
    const app = new Hono();
    app.get('/hello', (c) => c.json(hello));
    app.all('*', (c) => c.json({ error: 'the old words' }, 500));
    return app;
  });
  expect(error).toMatchObject({ code: 'ERR_HOST_REQUEST', message: 'the old words' });
});
