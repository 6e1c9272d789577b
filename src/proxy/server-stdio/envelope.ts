import { META_CAPABILITIES, META_CLIENT, META_VERSION, MODERN_VERSION } from '../era/index.ts';
import { findMember, type Notification, type Request, readMessage, type Span } from '../json-rpc/index.ts';
import { withFirstMembers } from './as-modern.ts';

/** A server that keeps to revision 2026-07-28 once it was spoken to in it, and a client with a handshake (spec 04 §19.3). */

const DEFAULT_CLIENT = '{"name":"toolhive","version":"1.0"}';

/**
 * The request as that revision has it: with what the client said of itself in its `initialize` message, '' when that is not
 * known. Everything else stays as it was written.
 */
export function withEnvelope(request: Request, initialize: string): Request {
  const message = readMessage(withMeta(request, envelopeOf(initialize)));
  return message?.kind === 'request' ? message : request;
}

/** The text of the message with those members of `params._meta`, given as JSON texts, that it does not have yet. */
export function withMeta(
  { text, params }: Pick<Request | Notification, 'text' | 'params'>,
  members: Readonly<Record<string, string>>,
): string {
  const meta = findMember(text, params, '_meta');
  const missing = Object.entries(members).filter(([name]) => findMember(text, meta, name) === undefined);
  const inner = missing.map(([name, value]) => `"${name}":${value}`);
  if (inner.length === 0) return text;
  if (isObject(text, meta)) return withFirstMembers(text, meta, inner);
  const wrapped = `"_meta":{${inner.join(',')}}`;
  if (isObject(text, params)) return withFirstMembers(text, params, [wrapped]);
  return withFirstMembers(text, { start: text.indexOf('{'), end: text.length }, [`"params":{${wrapped}}`]);
}

function envelopeOf(initialize: string): Readonly<Record<string, string>> {
  const message = initialize === '' ? undefined : readMessage(initialize);
  const at = message?.kind === 'request' ? findMember(initialize, message.params, 'clientInfo') : undefined;
  return {
    [META_VERSION]: `"${MODERN_VERSION}"`,
    [META_CLIENT]: at === undefined ? DEFAULT_CLIENT : initialize.slice(at.start, at.end),
    // Its questions would come as results, which a client with a handshake does not know: it is not to ask any.
    [META_CAPABILITIES]: '{}',
  };
}

function isObject(text: string, span: Span | undefined): span is Span {
  return span !== undefined && text[span.start] === '{';
}
