import * as v from 'valibot';
import { parseParameters } from '../parameters.ts';
import type { MiddlewareConfig } from '../types.ts';
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

/** The type under which a chain stores headers; what they do is not done in the chain (spec 04 §12.4). */
export const HEADER_FORWARD = 'header-forward';

/**
 * The headers that a stored chain adds to requests to its server, the last entry's. They are part of the credentials,
 * which are shown to the server behind the chain. Throws `ERR_RUN_CONFIG_INVALID` for what cannot be sent; the error shows no value.
 */
export function storedForwardHeaders(stored: readonly MiddlewareConfig[]): Readonly<Record<string, string>> {
  const entry = stored.findLast(({ type }) => type === HEADER_FORWARD);
  if (entry === undefined) return {};
  return parseParameters(HEADER_FORWARD, Parameters, entry.parameters).add_headers ?? {};
}
