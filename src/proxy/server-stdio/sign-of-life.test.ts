import { expect, test } from 'bun:test';
import { createSignOfLife } from './sign-of-life.ts';

test('a waiting caller learns that the process has answered, now or in an earlier life of ours', async () => {
  const never = new AbortController().signal;
  const answered = createSignOfLife();
  answered.attached('a', false);
  const waiting = answered.untilHeard(never);
  answered.heard();
  await waiting;
  await answered.untilHeard(never);

  const known = createSignOfLife();
  known.attached('a', true);
  await known.untilHeard(never);
});

test('another process has not answered yet; who waits gives up with the signal', async () => {
  const signOfLife = createSignOfLife();
  signOfLife.attached('a', true);
  signOfLife.attached('b', false);
  const giveUp = new AbortController();
  let isTold = false;
  const waiting = signOfLife.untilHeard(giveUp.signal).then(() => {
    isTold = true;
  });
  await Promise.resolve();
  expect(isTold).toBe(false);
  giveUp.abort();
  await waiting;
});
