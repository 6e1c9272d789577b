import { expect, test } from 'bun:test';
import { readDelegation } from './delegation.ts';

const whole = { truncated: false, omitted: 0, malformed: false };
const nested = (depth: number): unknown =>
  depth === 0 ? undefined : { sub: `a${depth}`, act: nested(depth - 1) };

test.each([
  ['no claim', undefined, undefined],
  ['null', null, undefined],
  ['one actor', { sub: 'a', iss: 'i' }, { ...whole, chain: [{ iss: 'i', sub: 'a' }] }],
  ['nobody named', {}, { ...whole, chain: [{}] }],
  ['other members', { sub: 'a', email: 'x' }, { ...whole, chain: [{ sub: 'a' }] }],
  [
    'two actors, outermost first',
    { sub: 'a', act: { sub: 'b' } },
    { ...whole, chain: [{ sub: 'a' }, { sub: 'b' }] },
  ],
  ['an end that is null', { sub: 'a', act: null }, { ...whole, chain: [{ sub: 'a' }] }],
  ['a text', 'x', { ...whole, chain: [], malformed: true, malformedReason: 'act_not_object' }],
  ['a list', [], { ...whole, chain: [], malformed: true, malformedReason: 'act_not_object' }],
  [
    'a text inside',
    { sub: 'a', act: 'x' },
    { ...whole, chain: [{ sub: 'a' }], malformed: true, malformedReason: 'nested_act_not_object' },
  ],
  [
    'wrong members: the first one is told',
    { iss: 1, sub: 2 },
    { ...whole, chain: [{}], malformed: true, malformedReason: 'iss_not_string' },
  ],
  [
    'a number for a subject',
    { sub: 2, act: { sub: 'b' } },
    { ...whole, chain: [{}, { sub: 'b' }], malformed: true, malformedReason: 'sub_not_string' },
  ],
])('act is %s', (_, act, expected) => {
  expect(readDelegation(act)).toEqual(expected as never);
});

test.each([
  [3, 2, 2, 1],
  [10, 10, 10, 0],
  [12, 10, 10, 2],
])('of %d actors at most %d are told: %d, without %d', (actors, maxDepth, told, omitted) => {
  const delegation = readDelegation(nested(actors), maxDepth);
  expect(delegation).toMatchObject({ omitted, truncated: omitted > 0, malformed: false });
  expect(delegation?.chain.length).toBe(told);
});
