import { expect, test } from 'bun:test';
import { readFields, replaceData } from './event-fields.ts';
import { createEventSplitter } from './event-splitter.ts';

const STREAMS: readonly [string, string, readonly string[]][] = [
  ['LF', 'event: a\ndata: 1\n\ndata: 2\n\n', ['event: a\ndata: 1\n\n', 'data: 2\n\n']],
  ['CRLF', 'data: 1\r\n\r\ndata: 2\r\n\r\n', ['data: 1\r\n\r\n', 'data: 2\r\n\r\n']],
  ['CR', 'data: 1\r\rdata: 2\r\r', ['data: 1\r\r', 'data: 2\r\r']],
  ['mixed line ends', 'data: 1\r\n\ndata: 2\n\r\n', ['data: 1\r\n\n', 'data: 2\n\r\n']],
  ['more blank lines', '\n\ndata: 1\n\n\n', ['\n', '\n', 'data: 1\n\n', '\n']],
  ['an unfinished event', 'data: 1\n\ndata: 2\n', ['data: 1\n\n']],
  ['unicode', 'data: ö\u2028\u0085x\n\n', ['data: ö\u2028\u0085x\n\n']],
  ['nothing', '', []],
];

test.each(STREAMS)('%s in one piece', (_, stream, expected) => {
  const splitter = createEventSplitter();
  const events = splitter.push(Buffer.from(stream)).map((event) => Buffer.from(event).toString());
  expect(events).toEqual([...expected]);
  expect(Buffer.from(splitter.flush()).toString()).toBe(stream.slice(expected.join('').length));
});

test.each(STREAMS)(
  '%s, cut anywhere, loses nothing and ends each event as early as it can',
  (_, stream, expected) => {
    const bytes = Buffer.from(stream);
    for (let at = 0; at <= bytes.length; at += 1) {
      const splitter = createEventSplitter();
      const first = splitter.push(bytes.subarray(0, at));
      const events = [...first, ...splitter.push(bytes.subarray(at))];
      const dispatched = events.flatMap((event) => readFields(Buffer.from(event).toString()).data ?? []);
      expect(dispatched).toEqual(expected.flatMap((event) => readFields(event).data ?? []));
      expect(Buffer.concat([...events, splitter.flush()]).toString()).toBe(stream);
    }
  },
);

test('an event above the limit is an error', () => {
  const splitter = createEventSplitter(10);
  splitter.push(Buffer.from('data: 12'));
  expect(() => splitter.push(Buffer.from('345'))).toThrow('event exceeds 10 bytes');
});

test.each([
  ['data: 1\ndata: 2\n\n', { type: 'message', data: '1\n2' }],
  ['event: x\ndata:1\nid: 7\nretry: 20\n\n', { type: 'x', data: '1', id: '7', retryMs: 20 }],
  [': comment\n\n', { type: 'message' }],
  ['data\n\n', { type: 'message', data: '' }],
  ['retry: soon\ndata:  a\n\n', { type: 'message', data: ' a' }],
] as const)('the fields of %j', (event, expected) => {
  expect(readFields(event)).toEqual({ data: undefined, id: undefined, retryMs: undefined, ...expected });
});

test.each([
  ['id: 1\ndata: a\ndata: b\nevent: c\n\n', 'id: 1\ndata: X\nevent: c\n\n'],
  ['data:a\r\ndata:b\r\n\r\n', 'data:X\r\n\r\n'],
  ['data: a', 'data: X'],
])('other data in %j', (event, expected) => {
  expect(replaceData(event, 'X')).toBe(expected);
});
