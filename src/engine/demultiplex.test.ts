import { describe, expect, test } from 'bun:test';
import { createDemultiplexer } from './demultiplex.ts';

function frame(stream: number, payload: string | Uint8Array): Uint8Array {
  const bytes = Buffer.from(payload);
  const header = Buffer.alloc(8);
  header[0] = stream;
  header.writeUInt32BE(bytes.length, 4);
  return Buffer.concat([header, bytes]);
}

interface Outcome {
  readonly stdout: string;
  readonly stderr: string;
  readonly problem: string | undefined;
}

function demultiplex(chunks: readonly Uint8Array[]): Outcome {
  const output = { stdout: '', stderr: '' };
  const demultiplexer = createDemultiplexer((stream, bytes) => {
    output[stream] += Buffer.from(bytes).toString('latin1');
  });
  const problems = chunks.map((chunk) => demultiplexer.push(chunk));
  return { ...output, problem: problems.find((problem) => problem !== undefined) ?? demultiplexer.end() };
}

const latin1 = (text: string) => Buffer.from(text).toString('latin1');

const STREAMS: readonly [string, readonly Uint8Array[], Outcome][] = [
  ['nothing', [], { stdout: '', stderr: '', problem: undefined }],
  ['one stdout frame', [frame(1, 'a\n')], { stdout: 'a\n', stderr: '', problem: undefined }],
  ['echoed stdin counts as stdout', [frame(0, 'in')], { stdout: 'in', stderr: '', problem: undefined }],
  ['stderr', [frame(2, 'bad')], { stdout: '', stderr: 'bad', problem: undefined }],
  [
    'both streams, one line over two frames',
    [frame(1, '{"a":'), frame(2, 'warn'), frame(1, '1}\n')],
    { stdout: '{"a":1}\n', stderr: 'warn', problem: undefined },
  ],
  [
    'empty frames',
    [frame(1, ''), frame(2, ''), frame(1, 'x')],
    { stdout: 'x', stderr: '', problem: undefined },
  ],
  ['unicode', [frame(1, 'žluť 🌿')], { stdout: latin1('žluť 🌿'), stderr: '', problem: undefined }],
  [
    'payload that looks like a header',
    [frame(1, frame(2, 'x'))],
    { stdout: Buffer.from(frame(2, 'x')).toString('latin1'), stderr: '', problem: undefined },
  ],
  [
    'an error of the engine ends the stream',
    [frame(1, 'a'), frame(3, 'disk full\n')],
    { stdout: 'a', stderr: '', problem: 'the engine reported: disk full' },
  ],
  [
    'an unknown stream',
    [frame(4, 'a')],
    { stdout: '', stderr: '', problem: 'the stream is not framed as expected (header 0400000000000001)' },
  ],
  [
    'a raw stream',
    [Buffer.from('plain text')],
    { stdout: '', stderr: '', problem: 'the stream is not framed as expected (header 706c61696e207465)' },
  ],
  [
    'an end inside a header',
    [frame(1, 'a'), Buffer.from([1, 0, 0])],
    { stdout: 'a', stderr: '', problem: 'the stream ended in the middle of a frame' },
  ],
  [
    'an end inside a payload',
    [frame(1, 'abc').subarray(0, 10)],
    { stdout: 'ab', stderr: '', problem: 'the stream ended in the middle of a frame' },
  ],
];

describe('demultiplex', () => {
  test.each(STREAMS)('%s', (_name, chunks, expected) => {
    expect(demultiplex(chunks)).toEqual(expected);
  });

  test.each(STREAMS)('%s, split in two at every position', (_name, chunks, expected) => {
    const whole = Buffer.concat(chunks);
    for (let at = 0; at <= whole.length; at++) {
      expect(demultiplex([whole.subarray(0, at), whole.subarray(at)])).toEqual(expected);
    }
  });

  test.each(STREAMS)('%s, byte by byte', (_name, chunks, expected) => {
    const bytes = [...Buffer.concat(chunks)].map((byte) => Uint8Array.of(byte));
    expect(demultiplex(bytes)).toEqual(expected);
  });

  test('hands on views of what it was given', () => {
    const chunk = frame(1, 'payload');
    let seen: Uint8Array | undefined;
    createDemultiplexer((_stream, bytes) => {
      seen = bytes;
    }).push(chunk);
    expect(seen?.buffer).toBe(chunk.buffer);
  });

  test('a frame above 2 GiB is counted down, not kept', () => {
    let received = 0;
    const demultiplexer = createDemultiplexer((_stream, bytes) => {
      received += bytes.length;
    });
    expect(demultiplexer.push(Uint8Array.of(1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff))).toBeUndefined();
    const mebibyte = new Uint8Array(1 << 20);
    for (let count = 0; count < 4095; count++) demultiplexer.push(mebibyte);
    demultiplexer.push(mebibyte.subarray(1));
    expect(received).toBe(0xffffffff);
    expect(demultiplexer.end()).toBeUndefined();
  });

  test('stays broken', () => {
    const demultiplexer = createDemultiplexer(() => undefined);
    const problem = demultiplexer.push(Buffer.from('nonsense'));
    expect(problem).toBeDefined();
    expect(demultiplexer.push(frame(1, 'fine'))).toBe(problem);
    expect(demultiplexer.end()).toBe(problem);
  });
});
