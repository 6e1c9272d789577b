import { HINTS, type ToolAnnotations } from '../../authz/index.ts';
import { findMember } from '../../proxy/index.ts';
import type { ListItem } from '../lists/list-rule.ts';

/** What the server last said about its tools (spec 05 §11.3): one for a proxy and all of its clients. */
export interface KnownAnnotations {
  find(tool: string): ToolAnnotations | undefined;
  /** Takes over what a list says, all of it or one page. */
  learn(tools: readonly ListItem[]): void;
  /** A list begins from the start: tools that are not in it any more are forgotten. */
  forget(): void;
}

/** A server that makes up names must not fill the memory. */
const MAX_TOOLS = 10_000;

export function createAnnotations(): KnownAnnotations {
  const known = new Map<string, ToolAnnotations>();
  return {
    find: (tool) => known.get(tool),
    learn(tools) {
      for (const item of tools) {
        if (known.size >= MAX_TOOLS) known.clear();
        known.set(item.id, annotationsOf(item));
      }
    },
    forget: () => known.clear(),
  };
}

/** The hints in one item of a list; what is no boolean is none. */
export function annotationsOf({ text }: ListItem): ToolAnnotations {
  const at = findMember(text, { start: 0, end: text.length }, 'annotations');
  if (at === undefined) return {};
  const annotations: unknown = JSON.parse(text.slice(at.start, at.end));
  if (typeof annotations !== 'object' || annotations === null) return {};
  const given = annotations as Readonly<Record<string, unknown>>;
  return Object.fromEntries(
    HINTS.flatMap((hint) => (typeof given[hint] === 'boolean' ? [[hint, given[hint]]] : [])),
  );
}
