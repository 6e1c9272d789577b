import { ThvError } from '../errors/index.ts';

interface RejectionOptions {
  /** Body of the answer; default `Invalid token: <reason>`. */
  readonly publicDescription?: string;
}

/** A token that does not hold (RFC 6750 §3.1 `invalid_token`). */
export function rejected(reason: string, options: RejectionOptions = {}): ThvError<'ERR_TOKEN_REJECTED'> {
  return new ThvError('ERR_TOKEN_REJECTED', {
    error: 'invalid_token',
    reason: printable(reason),
    description: printable(options.publicDescription ?? `Invalid token: ${reason}`),
  });
}

/** A request that brings no token in the way it should (RFC 6750 §3.1 `invalid_request`). */
export function withoutToken(reason: string): ThvError<'ERR_TOKEN_REJECTED'> {
  return new ThvError('ERR_TOKEN_REJECTED', { error: 'invalid_request', reason, description: reason });
}

/** Parts of a token end up in these texts, which stand in a header: printable ASCII, of bounded length. */
function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?').slice(0, 300);
}
