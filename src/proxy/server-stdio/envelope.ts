import { META_CAPABILITIES, META_CLIENT, META_VERSION, MODERN_VERSION } from '../era/index.ts';
import { findMember, type Request, readMessage, type Span, splice } from '../json-rpc/index.ts';

/** A server that keeps to revision 2026-07-28 once it was spoken to in it, and a client with a handshake (spec 04 §19.3). */

const DEFAULT_CLIENT = '{"name":"toolhive","version":"1.0"}';

/**
 * The request as that revision has it: with what the client said of itself in its `initialize` message, '' when that is not
 * known. Everything else stays as it was written.
 */
export function withEnvelope(request: Request, initialize: string): Request {
  const { text, params, meta } = request;
  const members = envelopeOf(initialize);
  const missing = Object.entries(members).filter(([name]) => findMember(text, meta, name) === undefined);
  const inner = missing.map(([name, value]) => `"${name}":${value}`).join(',');
  if (isObject(text, meta)) return insert(request, meta, inner);
  const wrapped = `"_meta":{${inner}}`;
  if (isObject(text, params)) return insert(request, params, wrapped);
  return insert(request, { start: text.indexOf('{'), end: text.length }, `"params":{${wrapped}}`);
}

function envelopeOf(initialize: string): Readonly<Record<string, string>> {
  const message = initialize === '' ? undefined : readMessage(initialize);
  const said = (name: string) => {
    const at = message?.kind === 'request' ? findMember(initialize, message.params, name) : undefined;
    return at === undefined ? undefined : initialize.slice(at.start, at.end);
  };
  return {
    [META_VERSION]: `"${MODERN_VERSION}"`,
    [META_CLIENT]: said('clientInfo') ?? DEFAULT_CLIENT,
    [META_CAPABILITIES]: said('capabilities') ?? '{}',
  };
}

function isObject(text: string, span: Span | undefined): span is Span {
  return span !== undefined && text[span.start] === '{';
}

/** As the first members of an object. */
function insert(request: Request, object: Span, members: string): Request {
  if (members === '') return request;
  const at = object.start + 1;
  const isEmpty = /^\s*\}/.test(request.text.slice(at, object.end));
  const made = splice(request.text, [{ at: { start: at, end: at }, by: isEmpty ? members : `${members},` }]);
  const message = readMessage(made);
  return message?.kind === 'request' ? message : request;
}
