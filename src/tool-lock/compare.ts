import { changedParts, type Definition, fingerprintOf } from './definition.ts';
import type { ToolLock } from './lock.ts';

/** How the tools of a server differ from those that were locked, by name. */
export type ToolDifference =
  | { readonly kind: 'new'; readonly tool: string; readonly present: Definition }
  | { readonly kind: 'removed'; readonly tool: string; readonly locked: Definition }
  | {
      readonly kind: 'changed';
      readonly tool: string;
      readonly parts: readonly string[];
      readonly locked: Definition;
      readonly present: Definition;
    };

export function compareTools(
  lock: ToolLock | undefined,
  present: readonly Definition[],
): readonly ToolDifference[] {
  const locked = lock?.tools ?? new Map<string, never>();
  const names = new Set(present.map(({ name }) => String(name)));
  const differences: ToolDifference[] = [];
  for (const definition of present) {
    const tool = String(definition.name);
    const known = locked.get(tool);
    if (known === undefined) {
      differences.push({ kind: 'new', tool, present: definition });
      continue;
    }
    const parts = changedParts(known, fingerprintOf(definition));
    if (parts.length > 0)
      differences.push({ kind: 'changed', tool, parts, locked: known.definition, present: definition });
  }
  for (const [tool, { definition }] of locked)
    if (!names.has(tool)) differences.push({ kind: 'removed', tool, locked: definition });
  return differences.sort((left, right) => (left.tool < right.tool ? -1 : 1));
}
