import { describe, expect, test } from 'bun:test';
import * as v from 'valibot';
import { effectiveLimits, formatMemory, parseMemory, ResourceLimitsSchema } from './resource-limits.ts';

const MIB = 1024 ** 2;
const GIB = 1024 ** 3;

describe('an amount of memory', () => {
  test.each([
    ['512m', 512 * MIB],
    ['512M', 512 * MIB],
    ['512mb', 512 * MIB],
    ['512MiB', 512 * MIB],
    ['1.5g', 1.5 * GIB],
    ['2 g', 2 * GIB],
    ['64k', 65_536],
    ['134217728', 128 * MIB],
    ['134217728b', 128 * MIB],
    ['0', 0],
    ['unlimited', 0],
    ['-1', 0],
    ['', undefined],
    ['lots', undefined],
    ['-5m', undefined],
    ['5x', undefined],
    ['1e9', undefined],
    ['512m ;', undefined],
    ['0x10m', undefined],
    ['1,5g', undefined],
  ])('%p is %p bytes', (text, bytes) => expect(parseMemory(text)).toBe(bytes));

  test.each([
    [512 * MIB, '512m'],
    [1.5 * GIB, '1536m'],
    [4 * GIB, '4g'],
    [1024, '1k'],
    [1023, '1023'],
  ])('%p bytes are written %p', (bytes, text) => expect(formatMemory(bytes)).toBe(text));
});

describe('what holds', () => {
  test('by default is half of the memory, 4 GiB at most, 2048 processes, and all processors', () => {
    expect(effectiveLimits(undefined, 24 * GIB)).toEqual({
      memoryBytes: 4 * GIB,
      cpus: undefined,
      pids: 2048,
    });
    expect(effectiveLimits({}, 2 * GIB).memoryBytes).toBe(GIB);
  });

  test('is what was asked for, however much the machine has', () => {
    expect(effectiveLimits({ memory: '8g', cpus: 1.5, pids: 100 }, 2 * GIB)).toEqual({
      memoryBytes: 8 * GIB,
      cpus: 1.5,
      pids: 100,
    });
  });

  test.each([[{ memory: 'unlimited', cpus: 0, pids: 0 }], [{ memory: '0', cpus: 0, pids: 0 }]])(
    'is nothing for %p',
    (limits) => {
      expect(effectiveLimits(limits)).toEqual({ memoryBytes: undefined, cpus: undefined, pids: undefined });
    },
  );
});

describe('a stored limit that is refused', () => {
  test.each([
    [
      { memory: 'lots' },
      '"lots" is no amount of memory: give a number with b, k, m or g, such as 512m or 2g, or unlimited',
    ],
    [{ memory: '1m' }, '1m cannot be a limit of memory: give between 6m and 1024t, or unlimited'],
    [{ memory: '9999999t' }, '9999999t cannot be a limit of memory: give between 6m and 1024t, or unlimited'],
    [{ cpus: -1 }, '-1 cannot be a number of processors: it is between 0.01 and 4096, or 0 for no limit'],
    [
      { cpus: 0.001 },
      '0.001 cannot be a number of processors: it is between 0.01 and 4096, or 0 for no limit',
    ],
    [
      { pids: -2 },
      '-2 cannot be a number of processes: it is a whole number up to 4194304, or 0 for no limit',
    ],
    [
      { pids: 1.5 },
      '1.5 cannot be a number of processes: it is a whole number up to 4194304, or 0 for no limit',
    ],
  ])('%p', (limits, problem) => {
    const { issues } = v.safeParse(ResourceLimitsSchema, limits);
    expect(issues?.map(({ message }) => message)).toEqual([problem]);
  });
});
