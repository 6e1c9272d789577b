import { ThvError } from '../errors/index.ts';

interface BodyLimits {
  /** Longest body, inclusive. */
  readonly maxBytes: number;
  /** Limit for a whole body, however slowly it comes. */
  readonly timeoutMs: number;
}

/**
 * The body of a request as text, '' when there is none. Throws `ERR_BODY_TOO_LARGE`, and `ERR_BODY_LATE` when it is not complete in
 * time; what else comes of it is not read then, and the connection has to be closed.
 */
export async function readBody(request: Request, { maxBytes, timeoutMs }: BodyLimits): Promise<string> {
  if (request.body === null) return '';
  const reader = request.body.getReader();
  const chunks: Uint8Array[] = [];
  let size = 0;
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    reader.cancel().catch(() => undefined); // the answer is the same whether the client hears of it
  }, timeoutMs);
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (isLate) throw new ThvError('ERR_BODY_LATE', { seconds: timeoutMs / 1000 });
      if (done) return Buffer.concat(chunks).toString('utf8');
      size += value.byteLength;
      if (size > maxBytes) {
        reader.cancel().catch(() => undefined); // see above
        throw new ThvError('ERR_BODY_TOO_LARGE', {});
      }
      chunks.push(value);
    }
  } finally {
    clearTimeout(timer);
  }
}

/** Whether a request announces a body. */
function hasBody({ headers }: Request): boolean {
  return headers.has('transfer-encoding') || Number(headers.get('content-length') ?? 0) > 0;
}

/** Whether a connection is of no more use after the answer, because the request's body has not been read to its end. */
export function isUnfinished(request: Request, { status }: Response): boolean {
  return status === 408 || status === 413 || (hasBody(request) && !request.bodyUsed);
}
