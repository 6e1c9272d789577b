import { expect, test } from 'bun:test';
import { type LogFields, silentLogger } from '../platform/index.ts';
import { createAuditLog, type LineSink } from './audit-log.ts';
import { type AuditEvent, Cutter, formatEvent } from './event.ts';

const EVENT: AuditEvent = {
  type: 'mcp_ping',
  at: 0,
  outcome: 'success',
  source: { address: '127.0.0.1' },
  subjects: { user: 'u' },
  target: { endpoint: '/mcp', method: 'ping', type: 'endpoint' },
  extra: { duration_ms: 1 },
  isCut: false,
};
const numbered = (at: number): AuditEvent => ({ ...EVENT, at });

interface Told {
  readonly message: string;
  readonly fields: LogFields | undefined;
}

function world(write: LineSink['write'], more: { readonly maxWaitingBytes?: number } = {}) {
  const told: Told[] = [];
  const tell = (message: string, fields?: LogFields) => {
    told.push({ message, fields });
  };
  const clock = { ms: 0 };
  const log = createAuditLog({
    sink: { write, close: async () => {} },
    component: 'c',
    place: '/log',
    log: { ...silentLogger, info: tell, error: tell },
    now: () => clock.ms,
    retryMs: 1,
    ...more,
  });
  return { log, told, clock };
}

const linesOf = (bytes: Uint8Array) => new TextDecoder().decode(bytes).split('\n').slice(0, -1);
const turns = async (count = 5) => {
  for (let turn = 0; turn < count; turn++) await new Promise<void>(setImmediate);
};

test('events are written behind the request, in order, and to the last one at the end', async () => {
  const written: string[] = [];
  const { log, told } = world(async (bytes) => {
    written.push(...linesOf(bytes));
  });
  for (let at = 0; at < 1000; at++) log.put(numbered(at));
  expect(written).toEqual([]);
  await log[Symbol.asyncDispose]();
  expect(written.map((line) => Date.parse(JSON.parse(line).time))).toEqual(
    Array.from({ length: 1000 }, (_, at) => at),
  );
  expect(told).toEqual([]);
});

test('what is refused is tried again with the same bytes, told once a minute, and counted where there is no room', async () => {
  let isFull = true;
  const attempts: Uint8Array[] = [];
  const { log, told, clock } = world(
    async (bytes) => {
      attempts.push(bytes);
      if (isFull) throw new Error('ENOSPC: no space left on device');
    },
    { maxWaitingBytes: 5000 },
  );
  for (let at = 0; at < 2; at++) log.put(numbered(at));
  while (attempts.length < 3) await Bun.sleep(1);
  expect(attempts[1]).toBe(attempts[0] as Uint8Array);
  expect(log.failure()).toBe('ENOSPC: no space left on device');
  for (let at = 2; at < 20; at++) log.put(numbered(at));
  expect(told).toEqual([
    {
      message: 'audit log cannot be written',
      fields: { place: '/log', reason: 'ENOSPC: no space left on device', waiting: 2, lost: 0 },
    },
  ]);
  clock.ms = 60_001;
  log.put(numbered(20));
  expect(told[1]?.fields).toMatchObject({ waiting: 6, lost: 15 });
  isFull = false;
  while (log.failure() !== undefined) await Bun.sleep(1);
  expect(told[2]).toEqual({ message: 'audit log is written again', fields: { place: '/log', lost: 15 } });
  await log[Symbol.asyncDispose]();
});

test('a write that hangs counts as failed after a while, and the end does not wait for it', async () => {
  const { log, told, clock } = world(() => new Promise<never>(() => {}));
  log.put(EVENT);
  await turns();
  expect(log.failure()).toBeUndefined();
  clock.ms = 5001;
  expect(log.failure()).toBe('a write has not ended for 5 seconds');
  const began = performance.now();
  await log[Symbol.asyncDispose]();
  expect(performance.now() - began).toBeLessThan(4000);
  expect(told.at(-1)?.fields).toMatchObject({ lost: 1 });
});

test('texts are cut between characters, and data nested too deep to be written is left out', () => {
  const cutter = new Cutter();
  expect(cutter.text('aé€😀', 6)).toBe('aé€');
  expect(cutter.isCut).toBe(true);
  expect(new Cutter().text('aé€😀', 10)).toBe('aé€😀');
  const deep = '['.repeat(200_000) + ']'.repeat(200_000);
  const line = JSON.parse(formatEvent({ ...EVENT, request: deep }, 'c'));
  expect(line.type).toBe('mcp_ping');
});
