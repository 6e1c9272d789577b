import { expect, test } from 'bun:test';
import type { Decision } from '../egress/index.ts';
import { createDecisionLog } from './decision.ts';

const asked = { host: 'a', port: 443, protocol: 'connect' } as const;

test('decisions are counted for ever and remembered in bounded number', () => {
  const log = createDecisionLog(() => new Date(0));
  for (let round = 0; round < 1000; round++)
    log.add({ ...asked, port: round }, { granted: false, rule: 'no', remedy: 'x' });
  const seen: Decision[] = [];
  const stop = log.follow((decision) => seen.push(decision));
  log.add(asked, { granted: true, rule: 'allow_host a' });
  stop();
  log.add(asked, { granted: true, rule: 'allow_host a' });
  expect(log.counts).toEqual({ allowed: 2, refused: 1000 });
  expect(seen.length).toBe(257);
  expect(seen[0]).toEqual({
    at: '1970-01-01T00:00:00.000Z',
    ...asked,
    port: 744,
    verdict: 'refused',
    rule: 'no',
    remedy: 'x',
  });
  expect(seen.at(-1)).toEqual({
    at: '1970-01-01T00:00:00.000Z',
    ...asked,
    verdict: 'allowed',
    rule: 'allow_host a',
  });
});

test('a host of any length takes bounded memory', () => {
  const log = createDecisionLog();
  log.add({ ...asked, host: 'a'.repeat(100_000) }, { granted: false, rule: 'no' });
  log.follow(({ host }) => expect(host.length).toBe(255))();
});
