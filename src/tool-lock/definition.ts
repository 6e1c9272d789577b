import { createHash } from 'node:crypto';

/** What of a tool a person approves: how it is called, what a model is told about it, and what goes in and out. */
export const PARTS = ['name', 'title', 'description', 'annotations', 'inputSchema', 'outputSchema'] as const;
type Part = (typeof PARTS)[number];

/** Those parts of a tool that it has. */
export type Definition = Readonly<Partial<Record<Part, unknown>>>;

/** A definition to compare with: one hash over all of it, and one for each part. */
export interface Fingerprint {
  readonly hash: string;
  readonly parts: Readonly<Partial<Record<Part, string>>>;
}

export function definitionOf(tool: Readonly<Record<string, unknown>>): Definition {
  return Object.fromEntries(
    PARTS.flatMap((part) => (tool[part] === undefined || tool[part] === null ? [] : [[part, tool[part]]])),
  );
}

export function fingerprintOf(definition: Definition): Fingerprint {
  const parts = Object.fromEntries(
    Object.entries(definition).map(([part, value]) => [part, hashOf(value)]),
  ) as Fingerprint['parts'];
  return { hash: hashOf(definition), parts };
}

/** Parts in which two definitions differ, in the order of `PARTS`. */
export function changedParts(locked: Fingerprint, present: Fingerprint): readonly Part[] {
  return PARTS.filter((part) => locked.parts[part] !== present.parts[part]);
}

function hashOf(value: unknown): string {
  return `sha256:${createHash('sha256').update(canonicalJson(value)).digest('hex')}`;
}

/** The same text for the same value, whatever the order of its members (RFC 8785). */
function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member)}`);
  return `{${members.join(',')}}`;
}
