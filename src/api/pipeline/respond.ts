import { hasCode, type ThvError } from '../../errors/index.ts';

/** An error as the API writes it: a line of text (spec 10 §6.4). */
export function textAnswer(
  status: number,
  message: string,
  headers: Readonly<Record<string, string>> = {},
): Response {
  return new Response(`${message}\n`, {
    status,
    headers: { 'Content-Type': 'text/plain; charset=utf-8', ...headers },
  });
}

/** Success as the API writes it: JSON with a final newline, and exactly this content type (spec 10 §6.4). */
export function jsonAnswer(value: unknown, status = 200): Response {
  return new Response(`${JSON.stringify(value)}\n`, {
    status,
    headers: { 'Content-Type': 'application/json' },
  });
}

/** 202 and 204: no body; the first keeps the content type of the API. */
export function emptyAnswer(status: 202 | 204): Response {
  return new Response(
    null,
    status === 202 ? { status, headers: { 'Content-Type': 'application/json' } } : { status },
  );
}

/** What a failed request is answered. Our own faults say nothing of themselves; they are in the log. */
export function errorAnswer(error: ThvError): Response {
  if (error.status === 500) return textAnswer(500, 'Internal Server Error');
  return textAnswer(error.status, messageFor(error));
}

function messageFor(error: ThvError): string {
  if (hasCode(error, 'ERR_WORKLOAD_NAME_INVALID'))
    return error.sentenceWith(`invalid workload name: ${error.facts.reason}`);
  // Remedies are written for people at a terminal; what a program can do is in the status.
  return error.status >= 500 ? error.message : error.sentence;
}
