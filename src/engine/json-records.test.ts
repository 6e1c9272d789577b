import { describe, expect, test } from 'bun:test';
import { readJsonRecords } from './json-records.ts';

async function read(pieces: readonly Uint8Array[]): Promise<unknown[]> {
  async function* body() {
    yield* pieces;
  }
  return Array.fromAsync(readJsonRecords(body()));
}

const ROWS: readonly [string, string, unknown[]][] = [
  ['nothing', '', []],
  ['one record without newline', '{"a":1}', [{ a: 1 }]],
  ['many, with Windows newlines and empty lines', '{"a":1}\r\n\r\n{"b":"č🌿"}\n', [{ a: 1 }, { b: 'č🌿' }]],
  ['lines that are not records are left out', 'null\n3\n{"a":\n{"b":2}\n', [{ b: 2 }]],
];

describe('readJsonRecords', () => {
  test.each(ROWS)('%s, split at every position', async (_name, text, expected) => {
    const bytes = Buffer.from(text);
    for (let at = 0; at <= bytes.length; at++) {
      expect(await read([bytes.subarray(0, at), bytes.subarray(at)])).toEqual(expected);
    }
  });

  test('a line without end is not kept', async () => {
    const flood = Array.from({ length: 4 }, () => new Uint8Array(1 << 20).fill(0x78));
    expect(await read([...flood, Buffer.from('\n{"a":1}\n')])).toEqual([{ a: 1 }]);
  });
});
