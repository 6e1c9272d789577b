export interface Rate {
  readonly perSecond: number;
  readonly burst: number;
}

/** Tells whether one more request may go out now; `now` in milliseconds. */
export function createRate({ perSecond, burst }: Rate, now: () => number): () => boolean {
  let left = burst;
  let filledAt = now();
  return () => {
    const moment = now();
    left = Math.min(burst, left + (Math.max(0, moment - filledAt) / 1000) * perSecond);
    filledAt = moment;
    if (left < 1) return false;
    left -= 1;
    return true;
  };
}
