import { errorText } from './json-rpc/index.ts';

/** Error answers in the two forms of spec 04 "Terms". */

/** `text/plain` with a final newline, never sniffed as something else. */
export function textError(
  status: number,
  message: string,
  headers: Readonly<Record<string, string>> = {},
): Response {
  return new Response(`${message}\n`, {
    status,
    headers: { 'Content-Type': 'text/plain; charset=utf-8', 'X-Content-Type-Options': 'nosniff', ...headers },
  });
}

export interface JsonErrorFacts {
  readonly code: number;
  readonly message: string;
  /** The request's id as JSON text; left out when it is not known. */
  readonly id?: string | undefined;
  readonly headers?: Readonly<Record<string, string>>;
}

export function jsonError(status: number, facts: JsonErrorFacts): Response {
  return new Response(errorText(facts.id, facts.code, facts.message), {
    status,
    headers: { 'Content-Type': 'application/json', ...facts.headers },
  });
}

/** Path of an absolute URL without parsing the rest of it. */
export function pathOf(url: string): string {
  const start = url.indexOf('/', url.indexOf('://') + 3);
  if (start === -1) return '/';
  const end = url.slice(start).search(/[?#]/);
  return end === -1 ? url.slice(start) : url.slice(start, start + end);
}
