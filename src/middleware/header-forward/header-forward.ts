import * as v from 'valibot';
import { parseParameters } from '../parameters.ts';
import type { Middleware } from '../types.ts';
import { headerNameProblem, headerRestriction, headerValueProblem } from './forwarded-header.ts';

const Name = v.pipe(
  v.string(),
  v.rawCheck(({ dataset, addIssue }) => {
    const message = dataset.typed && (headerNameProblem(dataset.value) ?? headerRestriction(dataset.value));
    if (message) addIssue({ message });
  }),
);

/** The message must not tell the value. */
const Value = v.pipe(
  v.string('the value is no text'),
  v.rawCheck(({ dataset, addIssue }) => {
    const message = dataset.typed && headerValueProblem(dataset.value);
    if (message) addIssue({ message: `the value cannot be sent: ${message}` });
  }),
);

const Parameters = v.looseObject({ add_headers: v.optional(v.nullable(v.record(Name, Value))) });

/** Sets headers in place of the client's (spec 04 §12.4). The innermost, so that nobody else sees their values. */
export function createHeaderForward(parameters: unknown): Middleware | undefined {
  const { add_headers } = parseParameters('header-forward', Parameters, parameters);
  // Headers carry bytes, and are given one character for each.
  const added = Object.entries(add_headers ?? {}).map(
    ([name, value]) => [name, Buffer.from(value).toString('latin1')] as const,
  );
  if (added.length === 0) return undefined;
  const names = new Set(added.map(([name]) => name.toLowerCase()));

  return function headerForward(request, context, next) {
    const headers = new Headers(request.headers);
    for (const [name, value] of added) headers.set(name, value);
    const connection = headers.get('connection');
    if (connection !== null) headers.set('connection', withoutNames(connection, names));
    return next(new Request(request, { headers }), context);
  };
}

/** What a client's `Connection` names does not go further; it must not name what is ours to set. */
function withoutNames(connection: string, names: ReadonlySet<string>): string {
  return connection
    .split(',')
    .filter((option) => !names.has(option.trim().toLowerCase()))
    .join(',');
}
