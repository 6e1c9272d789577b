import { findMember, readMessage, type Span, splice } from '../json-rpc/index.ts';

/** What a list may be kept for by clients: nothing is known of how long a server with a handshake means it. */
const UNCACHED = ['"ttlMs":0', '"cacheScope":"private"'];
const CACHEABLE: ReadonlySet<string> = new Set([
  'tools/list',
  'prompts/list',
  'resources/list',
  'resources/templates/list',
  'resources/read',
]);

/**
 * The answer of a server with a handshake as a client of 2026-07-28 expects it (spec 04 §18.3): the members that every result has
 * there are added, everything else stays as it was written. Errors are the same in both.
 */
export function asModern(answer: string, method: string): string {
  const message = readMessage(answer);
  if (message?.kind !== 'response' || message.outcome === 'error') return answer;
  const { result } = message;
  if (result === undefined || answer[result.start] !== '{') return answer;
  const wanted = ['"resultType":"complete"', ...(CACHEABLE.has(method) ? UNCACHED : [])];
  const missing = wanted.filter((member) => findMember(answer, result, nameOf(member)) === undefined);
  return withFirstMembers(answer, result, missing);
}

/** The text with `members`, each as `"name":value`, at the beginning of the object at `object`. */
export function withFirstMembers(text: string, object: Span, members: readonly string[]): string {
  if (members.length === 0) return text;
  const at = object.start + 1;
  const isEmpty = /^\s*\}/.test(text.slice(at, object.end));
  return splice(text, [{ at: { start: at, end: at }, by: `${members.join(',')}${isEmpty ? '' : ','}` }]);
}

function nameOf(member: string): string {
  return member.slice(1, member.indexOf('":'));
}
