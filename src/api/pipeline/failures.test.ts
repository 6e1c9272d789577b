import { expect, test } from 'bun:test';
import { Hono } from 'hono';
import { ThvError, within } from '../../errors/index.ts';
import { createLogger } from '../../platform/index.ts';
import { answerFailure } from './failures.ts';
import { type ApiVariables, timeLimit } from './time-limit.ts';

/** A server whose one route is cut short after `limitMs`, with all that it logs. */
function open(limitMs: number, fail: (signal: AbortSignal) => Promise<never>) {
  const lines: string[] = [];
  const logger = createLogger({ write: (line) => lines.push(line) });
  const app = new Hono<ApiVariables>();
  app.onError(answerFailure(logger));
  app.get('/', timeLimit(limitMs), (c) => fail(c.var.signal));
  return { app, lines };
}

/** As `fetch` does it. */
const asFetch = (signal: AbortSignal) =>
  new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));

test.each([
  ['at once', asFetch],
  ['in the words of a caller', (signal: AbortSignal) => within('failed to ask', () => asFetch(signal))],
  [
    'as cancelled',
    (signal: AbortSignal) =>
      asFetch(signal).catch(() => {
        throw new ThvError('ERR_CANCELLED', { reason: 'cancelled' });
      }),
  ],
])('what our own limits cut short is no fault of ours, told %s', async (_, fail) => {
  const late = open(10, fail);
  const answer = await late.app.request('/');
  expect([answer.status, await answer.text()]).toEqual([504, 'the request took too long\n']);
  const left = open(60_000, fail);
  const client = new AbortController();
  const pending = left.app.request(new Request('http://localhost/', { signal: client.signal }));
  client.abort();
  expect((await pending).status).toBe(499);
  expect([...late.lines, ...left.lines]).toEqual([]);
});

test('what fails by itself is told to the log, and not to the client', async () => {
  const { app, lines } = open(60_000, async () => {
    throw new TypeError('undefined is not a function');
  });
  const answer = await app.request('/');
  expect([answer.status, await answer.text()]).toEqual([500, 'Internal Server Error\n']);
  expect(lines).toHaveLength(1);
  const { level, error, code, causes, stack } = JSON.parse(lines[0] ?? '');
  expect({ level, error, code, causes }).toEqual({
    level: 'ERROR',
    error: 'undefined is not a function',
    code: 'ERR_INTERNAL',
    causes: ['TypeError: undefined is not a function'],
  });
  expect(stack).toContain(import.meta.file);
});
