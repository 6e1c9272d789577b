import { LEGACY_VERSIONS } from '../era/index.ts';
import {
  errorMessage,
  findMember,
  type Message,
  type Request,
  readMessage,
  type Span,
  splice,
  stringAt,
} from '../json-rpc/index.ts';

/** One handshake with the server, and yet each caller has the revision that it asked for (spec 04 §6.5). */

const [NEWEST = ''] = LEGACY_VERSIONS;

/** The revision of a caller that asked for `requested`, where `agreed` is what the server speaks with us. */
export function revisionFor(requested: string | undefined, agreed: string): string {
  const isServed =
    requested !== undefined && LEGACY_VERSIONS.includes(requested) && isUpTo(requested, agreed);
  return isServed ? requested : agreed;
}

/** All that callers may ask for, newest first, the server's own included. */
export function revisionsUpTo(agreed: string): readonly string[] {
  const older = LEGACY_VERSIONS.filter((version) => isUpTo(version, agreed));
  return older.includes(agreed) ? older : [agreed, ...older];
}

/** Revisions are dates; a server that calls its own otherwise is taken at its word. */
function isUpTo(version: string, agreed: string): boolean {
  return version === agreed || (/^\d{4}-\d{2}-\d{2}/.test(agreed) && version <= agreed);
}

/** What an `initialize` message asks for. */
export function requestedRevision(initialize: Message | undefined): string | undefined {
  if (initialize?.kind !== 'request') return undefined;
  return stringAt(initialize.text, findMember(initialize.text, initialize.params, 'protocolVersion'));
}

/** The same handshake for the newest revision with one, so that the age of the first client does not limit those after it. */
export function askForNewest(request: Request): Request {
  const { text, params } = request;
  if (params === undefined || text[params.start] !== '{') return request;
  const at = findMember(text, params, 'protocolVersion');
  const message = readMessage(
    splice(text, [at === undefined ? firstMember(text, params) : { at, by: `"${NEWEST}"` }]),
  );
  return message?.kind === 'request' ? message : request;
}

function firstMember(text: string, params: Span) {
  const at = params.start + 1;
  const isEmpty = /^\s*\}/.test(text.slice(at, params.end));
  return { at: { start: at, end: at }, by: `"protocolVersion":"${NEWEST}"${isEmpty ? '' : ','}` };
}

/** Whether the server refuses a handshake for its revision, where it should have offered one of its own. */
export function isRevisionRefused(answer: string): boolean {
  return /version|protocol|revision/i.test(errorMessage(answer) ?? '');
}

/** The stored answer with the caller's revision in it. */
export function withRevision(answer: string, revision: string): string {
  const message = readMessage(answer);
  if (message?.kind !== 'response') return answer;
  const at = findMember(answer, message.result, 'protocolVersion');
  if (at === undefined || stringAt(answer, at) === revision) return answer;
  return splice(answer, [{ at, by: JSON.stringify(revision) }]);
}
