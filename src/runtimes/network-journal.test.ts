import { afterEach, beforeEach, expect, jest, test } from 'bun:test';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Decision } from '../egress/index.ts';
import { keepSecret } from '../errors/index.ts';
import { parseWorkloadName } from '../records/index.ts';
import { openNetworkJournal } from './network-journal.ts';
import { deleteNetworkLog, networkLogPath, readNetworkAttempts } from './network-log.ts';

const NAME = parseWorkloadName('fetch');
let data = '';

beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), 'network-'));
  jest.useFakeTimers();
});

afterEach(() => {
  jest.useRealTimers();
  rmSync(data, { recursive: true, force: true });
});

const attempt = (host: string, more: Partial<Decision> = {}): Decision => ({
  at: '2026-01-02T03:04:05.000Z',
  protocol: 'connect',
  host,
  port: 443,
  verdict: 'refused',
  rule: 'not granted by the permission profile',
  remedy: `outbound.allow_host: ["${host}"]`,
  ...more,
});

const lines = () => readFileSync(networkLogPath({ data }, NAME), 'utf8').trimEnd().split('\n');

test('the first attempt is written at once, and what would allow it', () => {
  using journal = openNetworkJournal({ data }, NAME);
  journal.record(attempt('b.test'));
  expect(lines().map((line) => JSON.parse(line))).toEqual([
    {
      at: '2026-01-02T03:04:05.000Z',
      verdict: 'refused',
      protocol: 'connect',
      host: 'b.test',
      port: 443,
      rule: 'not granted by the permission profile',
      remedy: 'outbound.allow_host: ["b.test"]',
      count: 1,
    },
  ]);
});

test('attempts that are alike are counted for a second and written together', () => {
  using journal = openNetworkJournal({ data }, NAME);
  for (let index = 0; index < 1000; index++) journal.record(attempt('b.test'));
  expect(lines()).toHaveLength(1);
  jest.advanceTimersByTime(1000);
  expect(lines().map((line) => JSON.parse(line).count)).toEqual([1, 999]);
  expect(readNetworkAttempts({ data }, NAME)).toMatchObject([{ host: 'b.test', count: 1000 }]);
});

test('attempts at thousands of hosts fill neither memory nor disk, and none is lost from the count', () => {
  {
    using journal = openNetworkJournal({ data }, NAME);
    for (let index = 0; index < 10_000; index++) journal.record(attempt(`${index}.test`));
  }
  const attempts = readNetworkAttempts({ data }, NAME);
  expect(attempts).toHaveLength(101);
  expect(attempts.reduce((sum, { count }) => sum + count, 0)).toBe(10_000);
});

test('what was counted is written when the journal is closed', () => {
  {
    using journal = openNetworkJournal({ data }, NAME);
    journal.record(attempt('b.test'));
    journal.record(attempt('b.test'));
  }
  expect(readNetworkAttempts({ data }, NAME)).toMatchObject([{ count: 2 }]);
});

test('what was allowed is kept only when asked for', () => {
  const allowed = attempt('a.test', { verdict: 'allowed', rule: 'allow_host a.test', remedy: undefined });
  {
    using journal = openNetworkJournal({ data }, NAME);
    journal.record(allowed);
  }
  expect(readNetworkAttempts({ data }, NAME)).toEqual([]);
  {
    using journal = openNetworkJournal({ data }, NAME, { keepsAllowed: true });
    journal.record(allowed);
  }
  expect(readNetworkAttempts({ data }, NAME)).toMatchObject([{ verdict: 'allowed', host: 'a.test' }]);
});

test('a host made of a secret is not written', () => {
  keepSecret('s3cr3tvalue');
  using journal = openNetworkJournal({ data }, NAME);
  journal.record(attempt('s3cr3tvalue.evil.test'));
  expect(lines().join()).not.toContain('s3cr3tvalue');
});

test('lines that are torn or none of ours are passed over', () => {
  using journal = openNetworkJournal({ data }, NAME);
  journal.record(attempt('b.test'));
  writeFileSync(networkLogPath({ data }, NAME), `{"at":"x\n[]\n${lines()[0]}\n{"at`);
  expect(readNetworkAttempts({ data }, NAME)).toMatchObject([{ host: 'b.test' }]);
});

test('the newest attempts come first, and a removed log is empty', () => {
  {
    using journal = openNetworkJournal({ data }, NAME);
    journal.record(attempt('b.test'));
    journal.record(attempt('c.test', { at: '2026-01-02T03:04:06.000Z' }));
  }
  expect(readNetworkAttempts({ data }, NAME).map(({ host }) => host)).toEqual(['c.test', 'b.test']);
  deleteNetworkLog({ data }, NAME);
  expect(readNetworkAttempts({ data }, NAME)).toEqual([]);
});
