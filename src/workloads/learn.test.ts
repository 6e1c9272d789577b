import { afterEach, beforeEach, expect, test } from 'bun:test';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NetworkAttempts } from '../runtimes/index.ts';
import { checkLearnedPath, learnedProfile } from './learn.ts';

const attempt = (
  host: string,
  port: number,
  verdict: 'allowed' | 'refused' = 'allowed',
): NetworkAttempts => ({
  verdict,
  protocol: 'connect',
  host,
  port,
  rule: verdict,
  count: 1,
  first_at: '2026-01-02T03:04:05.000Z',
  last_at: '2026-01-02T03:04:05.000Z',
});

test('a profile names each host and port that was reached, once and in order', () => {
  const attempts = [
    attempt('b.test', 443),
    attempt('a.test', 443),
    attempt('a.test', 80),
    attempt('b.test', 443),
  ];
  expect(learnedProfile(attempts)).toEqual({
    network: { outbound: { allow_host: ['a.test', 'b.test'], allow_port: [80, 443] } },
  });
});

test('what was refused, and names that were only looked up, are not granted', () => {
  const attempts = [attempt('a.test', 443), attempt('127.0.0.1', 22, 'refused'), attempt('b.test', 0)];
  expect(learnedProfile(attempts).network?.outbound).toEqual({ allow_host: ['a.test'], allow_port: [443] });
});

test('a server that reached nothing is granted nothing', () => {
  expect(learnedProfile([])).toEqual({ network: { outbound: {} } });
});

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'learn-'));
});
afterEach(() => {
  chmodSync(folder, 0o700);
  rmSync(folder, { recursive: true });
});

test('a file that exists is not overwritten', () => {
  const path = join(folder, 'mine.json');
  writeFileSync(path, 'mine');
  expect(() => checkLearnedPath(path)).toThrow(`--learn-permissions ${path}: the file exists`);
});

test('a folder that does not exist is told before anything is run', () => {
  expect(() => checkLearnedPath(join(folder, 'none', 'x.json'))).toThrow(
    'name a file in a folder that exists',
  );
  expect(() => checkLearnedPath(join(folder, 'x.json'))).not.toThrow();
});
