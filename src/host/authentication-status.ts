import { messageOf } from '../errors/index.ts';
import type { Logger } from '../platform/index.ts';
import type { StatusStore, WorkloadName } from '../records/index.ts';

interface AuthenticationFacts {
  readonly forwardHeaders: Readonly<Record<string, string>>;
  readonly statuses: StatusStore;
  readonly logger: Logger;
  /** Whether the supervisor may write over a status. */
  readonly isOurs: (status: string) => boolean;
}

const REFUSED = 'Bearer token authentication failed. Please restart the server with a new token';
const NOTHING_GIVEN =
  'the remote server requires authentication (401): give it a token with --remote-forward-headers-secret Authorization=SECRET, or let clients sign in themselves';

/** Keeps the status of a workload true about whether its remote server takes who calls it (spec 04 §8.7, §19.13). */
export function createAuthenticationStatus(
  name: WorkloadName,
  { forwardHeaders, statuses, logger, isOurs }: AuthenticationFacts,
) {
  const isGiven = Object.keys(forwardHeaders).some((header) => header.toLowerCase() === 'authorization');
  let last = Promise.resolve();

  async function write(isAuthenticated: boolean): Promise<void> {
    try {
      if (isAuthenticated)
        await statuses.setIf(name, ({ status }) => status === 'unauthenticated', 'running');
      else
        await statuses.setIf(
          name,
          ({ status }) => isOurs(status),
          'unauthenticated',
          isGiven ? REFUSED : NOTHING_GIVEN,
        );
    } catch (error) {
      logger.warn('failed to record whether the remote server takes us', { error: messageOf(error) });
    }
  }

  return {
    /** In the order in which it is told; never rejects. */
    tell(isAuthenticated: boolean): Promise<void> {
      last = last.then(() => write(isAuthenticated));
      return last;
    },
    settled: () => last,
  };
}
