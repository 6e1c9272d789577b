import { expect, test } from 'bun:test';
import { silenceMs } from './silence.ts';

test.each([
  ['on an idle machine', 200, 0, 1500],
  ['where the start took long', 600, 0, 3000],
  ['after a package was installed', 60_000, 0, 5000],
  ['after a life of a moment', 200, 300, 1500],
  ['after a life that was nearly long enough', 200, 1400, 2800],
  ['after a life of half a minute', 200, 29_000, 5000],
])(
  '%s (start %p ms, last life %p ms) silence is believed in after %p ms',
  (_, startMs, lastLivedMs, expected) => {
    expect(silenceMs({ startMs, lastLivedMs })).toBe(expected);
  },
);
