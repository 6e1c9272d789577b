/**
 * Which of the two formats a decoded document is in (spec 08 §3.3). `$schema` proves nothing: files of both formats have
 * carried each other's.
 */

/** A top-level `servers`, `remote_servers` or `groups`, whatever their value. */
export function looksLegacy(document: unknown): boolean {
  return (
    isRecord(document) && ['servers', 'remote_servers', 'groups'].some((key) => Object.hasOwn(document, key))
  );
}

export function isUpstream(document: unknown): boolean {
  return isRecord(document) && isRecord(document['data']);
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
