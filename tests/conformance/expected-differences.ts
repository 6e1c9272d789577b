import type { Revision, Status } from './run-suite.ts';

export type Way = 'reverse proxy' | 'server-stdio';

/** A check that ends worse through us than without us, and why that is right. */
interface Difference {
  readonly revision: Revision;
  readonly through: readonly Way[];
  /** `scenario / check id / check name`, as the suite names them. */
  readonly key: string;
  readonly status: Status;
  readonly reason: string;
}

const BOTH = ['reverse proxy', 'server-stdio'] as const;

/** All of them; the comparison fails for any other, and for one of these that is gone. */
export const EXPECTED_DIFFERENCES: readonly Difference[] = [
  {
    revision: '2026-07-28',
    through: BOTH,
    key: 'server-stateless / sep-2575-request-meta-invalid-missing-meta / RequestMetaInvalid',
    status: 'FAILURE',
    reason: 'spec 04 §7.1-3: a modern header above a body without version is a mismatch (-32020), not -32602',
  },
  {
    revision: '2026-07-28',
    through: BOTH,
    key: 'server-stateless / sep-2575-request-meta-invalid-missing-protocol-version / RequestMetaInvalid',
    status: 'FAILURE',
    reason: 'spec 04 §7.1-3: the same with a body that carries other members of the protocol',
  },
  {
    revision: '2026-07-28',
    through: BOTH,
    key: 'server-stateless / sep-2575-request-meta-invalid-missing-client-capabilities / RequestMetaInvalid',
    status: 'FAILURE',
    reason: 'spec 04 §7.1-6: missing client capabilities have a code of their own (-32021), not -32602',
  },
  {
    revision: '2026-07-28',
    through: BOTH,
    key: 'server-stateless / sep-2575-http-server-header-mismatch-400 / HttpServerHeaderMismatch400',
    status: 'FAILURE',
    reason:
      'spec 04 §7.1: an unknown version in the body (4: -32022) is looked at before the header that differs from it (5: -32020)',
  },
  {
    revision: '2026-07-28',
    through: ['server-stdio'],
    key: 'server-stateless / sep-2575-http-server-method-not-found-404-initialize / HttpServerMethodNotFound404initialize',
    status: 'FAILURE',
    reason:
      'spec 04 §7.1-1: initialize always is of the old era, where the error of the server (-32022, it is pinned to the new one) travels with 200',
  },
  {
    revision: '2025-11-25',
    through: ['server-stdio'],
    key: 'server-sse-polling / server-sse-disconnect-resume / ServerDisconnectResume',
    status: 'INFO',
    reason:
      'a server on stdio knows of no stream that it could close before the answer: there is nothing to resume',
  },
];
