import { expect, test } from 'bun:test';
import { type LogFields, type Logger, silentLogger } from '../platform/index.ts';
import { parseRunConfig } from '../records/index.ts';
import { healthSettings, requestTimeoutMs, sessionTtlMs } from './run-settings.ts';

const config = (ttl: string) => parseRunConfig(JSON.stringify({ transport: 'stdio', session_ttl: ttl }));

test.each([
  ['', undefined],
  ['0s', undefined],
  ['30m0s', 1_800_000],
  ['1s', 1000],
])('a stored session_ttl of %j is %p ms', (text, ms) => {
  expect(sessionTtlMs(config(text))).toBe(ms);
});

test.each([
  ['-1s', 'invalid session_ttl "-1s": session-ttl must be at least 1s, got -1s'],
  ['500ms', 'invalid session_ttl "500ms": session-ttl must be at least 1s, got 500ms'],
  ['30', 'invalid session_ttl "30": time: missing unit in duration "30"'],
])('a stored session_ttl of %j makes the start fail', (text, message) => {
  expect(() => sessionTtlMs(config(text))).toThrow(message);
});

test('variables that cannot be used are warned about by name and the defaults hold', () => {
  const warned: LogFields[] = [];
  const log: Logger = { ...silentLogger, warn: (_, fields = {}) => void warned.push(fields) };
  const environment = {
    TOOLHIVE_PROXY_REQUEST_TIMEOUT: '-5s',
    TOOLHIVE_HEALTH_CHECK_INTERVAL: '2s',
    TOOLHIVE_HEALTH_CHECK_FAILURE_THRESHOLD: '0',
  };
  expect(requestTimeoutMs(environment, log)).toBe(60_000);
  expect(healthSettings(environment, log)).toEqual({
    intervalMs: 2000,
    pingTimeoutMs: 5000,
    retryDelayMs: 5000,
    failureThreshold: 5,
  });
  expect(warned.map((fields) => fields['variable'])).toEqual([
    'TOOLHIVE_PROXY_REQUEST_TIMEOUT',
    'TOOLHIVE_HEALTH_CHECK_FAILURE_THRESHOLD',
  ]);
});
