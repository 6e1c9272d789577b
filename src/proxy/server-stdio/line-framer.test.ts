import { describe, expect, test } from 'bun:test';
import { createLineFramer } from './line-framer.ts';

function frame(chunks: readonly Uint8Array[], maxBytes?: number) {
  const lines: string[] = [];
  let oversized = 0;
  const framer = createLineFramer({
    onLine: (line) => lines.push(line),
    onOversized: () => {
      oversized += 1;
    },
    ...(maxBytes === undefined ? {} : { maxBytes }),
  });
  for (const chunk of chunks) {
    // The caller may use its buffer again at once.
    const reused = Uint8Array.from(chunk);
    framer.push(reused);
    reused.fill(0x7a);
  }
  return { lines, oversized };
}

const SAMPLE = Buffer.from('{"a":"é👩‍👧\ufeff"}\n\nnoise\r\n\ufeff{}\nunfinished');
const EXPECTED = ['{"a":"é👩‍👧\ufeff"}', '', 'noise\r', '\ufeff{}'];

describe('line framer', () => {
  test('gives the same lines wherever the bytes are cut', () => {
    for (let first = 0; first <= SAMPLE.length; first += 1) {
      for (let second = first; second <= SAMPLE.length; second += 1) {
        const cuts = [SAMPLE.subarray(0, first), SAMPLE.subarray(first, second), SAMPLE.subarray(second)];
        expect(frame(cuts).lines).toEqual(EXPECTED);
      }
    }
  });

  test('byte by byte', () => {
    expect(frame([...SAMPLE].map((byte) => Uint8Array.of(byte))).lines).toEqual(EXPECTED);
  });

  test('drops a line above the limit, once, wherever it is cut, and keeps its neighbours', () => {
    const bytes = Buffer.from(`ab\n${'x'.repeat(11)}\n${'y'.repeat(10)}\n`);
    for (let cut = 0; cut <= bytes.length; cut += 1) {
      const { lines, oversized } = frame([bytes.subarray(0, cut), bytes.subarray(cut)], 10);
      expect({ cut, lines, oversized }).toEqual({ cut, lines: ['ab', 'y'.repeat(10)], oversized: 1 });
    }
  });

  test('a line of many pieces costs time in proportion to its length', () => {
    const piece = Buffer.alloc(4096, 'x');
    const cost = (pieces: number) => {
      const startedAt = performance.now();
      const { lines } = frame([...Array.from({ length: pieces }, () => piece), Buffer.from('\n')]);
      expect(lines[0]?.length).toBe(piece.length * pieces);
      return performance.now() - startedAt;
    };
    // The best of three, against whatever else the machine does; a quadratic framer would need 64 times as long.
    const best = (pieces: number) => Math.min(cost(pieces), cost(pieces), cost(pieces));
    expect(best(8192) / best(1024)).toBeLessThan(32);
  });
});
