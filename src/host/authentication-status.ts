import type { ObservedStatus } from './observed-status.ts';

const REFUSED = 'Bearer token authentication failed. Please restart the server with a new token';
const NOTHING_GIVEN =
  'the remote server requires authentication (401): give it a token with --remote-forward-headers-secret Authorization=SECRET, or let clients sign in themselves';

/** Keeps the status of a workload true about whether its remote server takes who calls it (spec 04 §8.7, §19.13). */
export function createAuthenticationStatus(
  observed: ObservedStatus,
  forwardHeaders: Readonly<Record<string, string>>,
) {
  const isGiven = Object.keys(forwardHeaders).some((header) => header.toLowerCase() === 'authorization');
  let last = Promise.resolve();

  async function write(isAuthenticated: boolean): Promise<void> {
    if (!isAuthenticated) await observed.set('unauthenticated', isGiven ? REFUSED : NOTHING_GIVEN);
    else if (observed.present().status === 'unauthenticated') await observed.set('running');
  }

  return {
    /** Records each status in the order of the calls; never rejects. */
    tell(isAuthenticated: boolean): Promise<void> {
      last = last.then(() => write(isAuthenticated));
      return last;
    },
    settled: () => last,
  };
}
