import { describe, expect, test } from 'bun:test';
import { createSignOfLife } from './sign-of-life.ts';

function create({ isBusy = false } = {}) {
  let pings = 0;
  const signOfLife = createSignOfLife({
    forwarder: {
      ping() {
        pings += 1;
      },
    },
    isBusy: () => isBusy,
  });
  const waiting = new AbortController();
  return { signOfLife, pings: () => pings, wait: () => signOfLife.untilHeard(waiting.signal), waiting };
}

describe('a ping', () => {
  test('is sent once somebody wants to know, whether before or after the process is there', () => {
    const before = create();
    void before.wait();
    before.signOfLife.attached('a', false);
    expect(before.pings()).toBe(0);
    before.signOfLife.opened();
    expect(before.pings()).toBe(1);

    const after = create();
    after.signOfLife.attached('a', false);
    after.signOfLife.opened();
    expect(after.pings()).toBe(0);
    void after.wait();
    void after.wait();
    expect(after.pings()).toBe(1);
  });

  test.each([
    ['when a client waits for an answer', { isBusy: true }, false],
    ['to a process that has answered an earlier life of ours', {}, true],
  ])('is not sent %s', (_, options, isKnown) => {
    const { signOfLife, pings, wait } = create(options);
    void wait();
    signOfLife.attached('a', isKnown);
    signOfLife.opened();
    expect(pings()).toBe(0);
  });

  test('is not sent again over another attachment to the same process', () => {
    const { signOfLife, pings, wait } = create();
    void wait();
    for (let attachment = 1; attachment <= 2; attachment++) {
      signOfLife.attached('a', false);
      signOfLife.opened();
      signOfLife.detached();
    }
    expect(pings()).toBe(1);
  });

  test('is not sent to the process after one that ended at it', () => {
    const { signOfLife, pings, wait } = create();
    void wait();
    signOfLife.attached('a', false);
    signOfLife.opened();
    signOfLife.detached();
    expect(signOfLife.endedUnheard()).toBe(true);
    signOfLife.attached('b', false);
    signOfLife.opened();
    expect(signOfLife.endedUnheard()).toBe(false);
    signOfLife.detached();
    expect(signOfLife.endedUnheard()).toBe(false);
    expect(pings()).toBe(1);
  });

  test('is sent to the process after one that answered', () => {
    const { signOfLife, pings, wait } = create();
    for (const identity of ['a', 'b']) {
      signOfLife.attached(identity, false);
      void wait();
      signOfLife.opened();
      signOfLife.heard();
      signOfLife.detached();
    }
    expect(pings()).toBe(2);
    expect(signOfLife.endedUnheard()).toBe(false);
  });
});

describe('waiting for an answer', () => {
  test('ends with the first one, for all who wait', async () => {
    const { signOfLife, wait } = create();
    const all = Promise.all([wait(), wait()]);
    signOfLife.attached('a', false);
    signOfLife.opened();
    signOfLife.heard();
    await all;
    await wait();
  });

  test('ends when it is given up, before or meanwhile', async () => {
    const { wait, waiting } = create();
    const given = wait();
    waiting.abort();
    await given;
    await wait();
  });
});
