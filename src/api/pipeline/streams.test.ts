import { describe, expect, test } from 'bun:test';
import { eventStream, type ServerEvent, textStream } from './streams.ts';

/** Two streams of a source that ends in `last`, and how often each told that it is over. */
function open(last: () => Promise<IteratorResult<never>>) {
  let ends = 0;
  const end = () => {
    ends++;
  };
  const source = <Value>(value: Value): AsyncIterator<Value> => {
    let isFirst = true;
    return {
      next: async () => {
        if (!isFirst) return last();
        isFirst = false;
        return { done: false, value };
      },
    };
  };
  const event: ServerEvent = { event: 'log', data: 'a\nb' };
  return {
    ends: () => ends,
    responses: {
      events: () => eventStream(source(event), end),
      text: () => textStream(source(new Uint8Array([97])), end),
    },
  };
}

describe.each(['events', 'text'] as const)('a stream of %s', (kind) => {
  test('tells once that it is over', async () => {
    const { responses, ends } = open(async () => ({ done: true, value: undefined }));
    expect(await responses[kind]().text()).toBe(
      kind === 'text' ? 'a' : 'retry: 2000\n\nevent: log\ndata: a\ndata: b\n\n',
    );
    expect(ends()).toBe(1);
  });

  test('whose source fails tells it too, and breaks off', async () => {
    const { responses, ends } = open(async () => {
      throw new Error('the engine went away');
    });
    await expect(responses[kind]().text()).rejects.toThrow('the engine went away');
    expect(ends()).toBe(1);
  });
});
