import {
  errorCode,
  errorMessage,
  INVALID_REQUEST,
  readMessage,
  SESSION_NOT_FOUND,
  TIMEOUT,
} from '../json-rpc/index.ts';

const MAX_BYTES = 64 * 1024;

/** Codes by which servers say it: -32000 is the one of the official SDK's examples. */
const CODES: ReadonlySet<number | undefined> = new Set([TIMEOUT, SESSION_NOT_FOUND, INVALID_REQUEST]);

/** `Bad Request: No valid session ID provided`, `Server not initialized`, and their kin. */
const WORDS = /session|not initiali[sz]ed/i;

/**
 * Whether a 400 may say that the server does not know the session (spec 04 §8.4 step 5). `sure`: it says so in words; `maybe`:
 * by a code that also stands for other things. The body stays readable.
 */
export async function saysSessionIsLost(response: Response): Promise<'sure' | 'maybe' | 'no'> {
  const length = response.headers.get('content-length');
  if (length !== null && Number(length) > MAX_BYTES) return 'no';
  if (response.headers.get('content-type')?.startsWith('text/event-stream') === true) return 'no';
  const text = await response.clone().text();
  if (readError(text) === undefined) return WORDS.test(text) ? 'sure' : 'no';
  const { code, message } = readError(text) ?? {};
  if (!CODES.has(code)) return 'no';
  return WORDS.test(message ?? '') ? 'sure' : 'maybe';
}

/** Code and message of an error answer, even of one without an id, which strictly is no answer. */
function readError(
  text: string,
): { readonly code: number | undefined; readonly message: string | undefined } | undefined {
  if (readMessage(text)?.kind === 'response') return { code: errorCode(text), message: errorMessage(text) };
  try {
    const error = (JSON.parse(text) as { error?: { code?: unknown; message?: unknown } } | null)?.error;
    if (typeof error?.code !== 'number') return undefined;
    return { code: error.code, message: String(error.message ?? '') };
  } catch {
    return undefined; // plain text
  }
}
