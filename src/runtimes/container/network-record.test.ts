import { expect, test } from 'bun:test';
import type { Decision } from '../../egress/index.ts';
import { createNovelty } from './network-record.ts';

const decision = (at: string, host = 'a.test'): Decision => ({
  at,
  host,
  port: 443,
  protocol: 'connect',
  verdict: 'refused',
  rule: 'no',
});

const toldOf = (since: string, decisions: readonly Decision[]) => decisions.filter(createNovelty(since));

test('what was told before, in this life or an earlier one, is not new', () => {
  const told = [decision('1'), decision('2'), decision('3')];
  expect(toldOf('2', told)).toEqual([decision('3')]);
  expect(toldOf('', [...told, ...told])).toEqual(told);
});

test('two attempts of one moment are told apart', () => {
  const both = [decision('1'), decision('1', 'b.test')];
  expect(toldOf('', [...both, ...both])).toEqual(both);
});
