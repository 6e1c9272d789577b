import { describe, expect, test } from 'bun:test';
import { getEventListeners } from 'node:events';
import { ThvError } from '../errors/index.ts';
import { givenUp, startDeadline } from './deadline.ts';

describe('startDeadline', () => {
  test('ends with the caller', () => {
    const caller = new AbortController();
    using deadline = startDeadline({ signal: caller.signal, timeoutMs: 60_000 });
    caller.abort('enough');
    expect([deadline.signal.aborted, deadline.signal.reason, deadline.expired]).toEqual([
      true,
      'enough',
      false,
    ]);
  });

  test('a caller who gave up before is heard', () => {
    using deadline = startDeadline({ signal: AbortSignal.abort('before') });
    expect([deadline.signal.aborted, deadline.expired]).toEqual([true, false]);
  });

  test('ends when its time is over', async () => {
    using deadline = startDeadline({ timeoutMs: 1 });
    await new Promise((resolve) => deadline.signal.addEventListener('abort', resolve));
    expect(deadline.expired).toBe(true);
  });

  test('leaves no listener on the caller, and the caller does not reach it any more', () => {
    const caller = new AbortController();
    const deadline = startDeadline({ signal: caller.signal, timeoutMs: 60_000 });
    expect(getEventListeners(caller.signal, 'abort')).toHaveLength(1);
    deadline[Symbol.dispose]();
    expect(getEventListeners(caller.signal, 'abort')).toHaveLength(0);
    caller.abort();
    expect(deadline.signal.aborted).toBe(false);
  });
});

describe('givenUp', () => {
  const texts = { timedOut: 'too slow', cancelled: 'stopped' };
  const own = new ThvError('ERR_INTERNAL', { reason: 'mine' });
  test.each([
    ['a reason of ours is kept', own, own.code, 'mine'],
    ['a timeout', new DOMException('t', 'TimeoutError'), 'ERR_TIMEOUT', 'too slow'],
    ['anything else', 'because', 'ERR_CANCELLED', 'stopped'],
  ] as const)('%s', (_name, reason, code, message) => {
    const error = givenUp(AbortSignal.abort(reason), texts);
    expect([error.code, error.message]).toEqual([code, message]);
  });
});
