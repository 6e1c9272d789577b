/** Starts in a row without a stable life, the first one included, after which a server is given up. */
export const MAX_ATTEMPTS = 10;

const FIRST_DELAY_MS = 5000;
const LAST_DELAY_MS = 60_000;

/** How long to wait before this attempt to start a server again; the first start is attempt 1 and waits for nothing. */
export function restartDelayMs(attempt: number): number {
  return Math.min(FIRST_DELAY_MS * 2 ** (attempt - 2), LAST_DELAY_MS);
}
