import type { Ground } from './ground.ts';
import type { Row } from './table.ts';

export type Bench = (ground: Ground) => Promise<readonly Row[]>;

export interface Settings {
  readonly seconds: number;
  readonly rounds: number;
  /** `undefined`: each bench knows how often it must repeat. */
  readonly repeats: number | undefined;
  readonly workloads: number;
  readonly streams: number;
  readonly requests: number;
}

const NUMBERS = ['seconds', 'rounds', 'repeats', 'workloads', 'streams', 'requests'] as const;

/** Throws when a value is no positive whole number. */
export function parseSettings(
  flags: { readonly [name in (typeof NUMBERS)[number]]?: string | undefined } & {
    readonly long?: boolean | undefined;
  },
): Settings {
  const given: { [name in (typeof NUMBERS)[number]]?: number } = {};
  for (const name of NUMBERS) {
    const text = flags[name];
    if (text === undefined) continue;
    if (!/^[1-9]\d{0,8}$/.test(text))
      throw new Error(`--${name} takes a positive whole number, not "${text}"`);
    given[name] = Number(text);
  }
  return {
    seconds: given.seconds ?? 2,
    rounds: given.rounds ?? 2,
    repeats: given.repeats,
    workloads: given.workloads ?? 20,
    streams: given.streams ?? 1000,
    requests: given.requests ?? (flags.long ? 1_000_000 : 100_000),
  };
}
