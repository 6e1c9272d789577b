import { describe, expect, test } from 'bun:test';
import { EventStream } from './event-stream.ts';

const LIMITS = { dropAboveBytes: 10, closeAboveBytes: 20 };

function open() {
  let closed = 0;
  const stream = new EventStream({
    limits: LIMITS,
    onClosed: () => {
      closed += 1;
    },
  });
  return { stream, closedTimes: () => closed };
}

const bytes = (length: number) => new Uint8Array(length).fill(0x61);

describe('event stream', () => {
  test('hands over what was queued before and after someone reads, then ends', async () => {
    const { stream, closedTimes } = open();
    stream.send(Buffer.from('a'), 'may');
    const reader = stream.body.getReader();
    expect(Buffer.from((await reader.read()).value ?? []).toString()).toBe('a');
    const next = reader.read();
    stream.send(Buffer.from('b'), 'must');
    stream.end();
    expect(Buffer.from((await next).value ?? []).toString()).toBe('b');
    expect((await reader.read()).done).toBe(true);
    expect(closedTimes()).toBe(1);
  });

  test('drops what may be dropped when the reader is behind', () => {
    const { stream } = open();
    expect(stream.send(bytes(8), 'may')).toBe(true);
    expect(stream.send(bytes(8), 'may')).toBe(false);
    expect(stream.send(bytes(8), 'must')).toBe(true);
    expect(stream.closed).toBe(false);
  });

  test('ends a reader that is too far behind for what must not be lost', () => {
    const { stream, closedTimes } = open();
    stream.send(bytes(15), 'must');
    expect(stream.send(bytes(15), 'must')).toBe(false);
    expect(stream.closed).toBe(true);
    expect(closedTimes()).toBe(1);
    expect(stream.send(bytes(1), 'may')).toBe(false);
  });

  test('one frame of any size fits an empty queue', () => {
    const { stream } = open();
    expect(stream.send(bytes(1000), 'must')).toBe(true);
  });

  test('knows since when its backlog has not moved', async () => {
    const { stream } = open();
    expect(stream.stalledSince).toBeUndefined();
    stream.send(bytes(1), 'may');
    expect(stream.stalledSince).toBeNumber();
    await stream.body.getReader().read();
    expect(stream.stalledSince).toBeUndefined();
  });

  test('a reader that leaves closes it once', async () => {
    const { stream, closedTimes } = open();
    await stream.body.cancel();
    stream.end();
    stream.abort();
    expect(closedTimes()).toBe(1);
  });
});
