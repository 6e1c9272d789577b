import { describe, expect, test } from 'bun:test';
import { OutboundQueue } from './outbound-queue.ts';
import type { Call } from './session.ts';

const callIn = (state: Call['state']) => ({ state }) as Call;
const linesOf = (queue: OutboundQueue) => queue.takeBatch().map(({ line }) => line);

describe('queue of lines for the process', () => {
  test.each([
    ['one message of any size fits an empty queue', [], 'x'.repeat(100), true],
    ['up to the limit of bytes', ['12345'], '67890', true],
    ['not above the limit of bytes', ['12345'], '678901', false],
    ['not above the limit of messages', ['1', '2', '3'], '4', false],
  ])('has room: %s', (_, queued, line, expected) => {
    const queue = new OutboundQueue({ messages: 3, bytes: 10 });
    for (const each of queued) queue.push({ line: each, call: undefined });
    expect(queue.hasRoom(line)).toBe(expected);
  });

  const SIZE = 30 * 1024;
  test.each([
    ['nothing from an empty queue', [], []],
    ['as many lines as fit one write', [SIZE, SIZE, SIZE], [SIZE, SIZE]],
    ['a line larger than one write alone', [3 * SIZE, 1], [3 * SIZE]],
    ['no large line behind a small one', [1, 3 * SIZE], [1]],
  ])('takes out %s', (_, queued, expected) => {
    const queue = new OutboundQueue();
    for (const size of queued) queue.push({ line: 'x'.repeat(size), call: undefined });
    expect(linesOf(queue).map((line) => line.length)).toEqual(expected);
  });

  test('lines of calls that were given up are not handed out', () => {
    const queue = new OutboundQueue();
    queue.push({ line: 'a', call: callIn('done') });
    queue.push({ line: 'b', call: callIn('queued') });
    queue.push({ line: 'c', call: undefined });
    expect(linesOf(queue)).toEqual(['b', 'c']);
    expect(queue.isEmpty).toBe(true);
  });

  test('calls that were given up make room', () => {
    const queue = new OutboundQueue({ messages: 2, bytes: 10 });
    queue.push({ line: '12345678', call: callIn('done') });
    queue.push({ line: '1', call: undefined });
    queue.dropUnwanted();
    expect(queue.hasRoom('123456789')).toBe(true);
    expect(queue.hasRoom('1234567890')).toBe(false);
  });

  test('what is taken out makes room', () => {
    const queue = new OutboundQueue({ messages: 9, bytes: 10 });
    queue.push({ line: '12345678', call: undefined });
    queue.takeBatch();
    queue.push({ line: '1', call: undefined });
    expect(queue.hasRoom('123456789')).toBe(true);
  });

  test('only calls that are still wanted wait for the next process', () => {
    const queue = new OutboundQueue();
    queue.push({ line: 'notification', call: undefined });
    queue.push({ line: 'given up', call: callIn('done') });
    queue.push({ line: 'wanted', call: callIn('queued') });
    queue.keepCalls();
    expect(linesOf(queue)).toEqual(['wanted']);
  });
});
