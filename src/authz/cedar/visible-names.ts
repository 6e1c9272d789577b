import type { Policy } from './policies.ts';

/** The names of attributes that some policy looks at, wherever it looks; `undefined`: it may see all of them. */
export type VisibleNames = ReadonlySet<string> | undefined;

/**
 * Policies see attributes by their names only, and entities are compared by their ids: an attribute whose name stands in no
 * policy cannot change a decision. The exception is `context` taken as a whole.
 */
export function visibleNames(policies: readonly Policy[]): VisibleNames {
  const names = new Set<string>();
  let isWhole = false;

  function walk(value: unknown): void {
    if (typeof value !== 'object' || value === null) return;
    if (Array.isArray(value)) {
      for (const item of value) walk(item);
      return;
    }
    for (const [key, inner] of Object.entries(value)) {
      const access = key === '.' || key === 'has' ? asAccess(inner) : undefined;
      if (access === undefined) {
        if (key === 'Var' && inner === 'context') isWhole = true;
        walk(inner);
        continue;
      }
      for (const name of access.names) names.add(name);
      if (access.left['Var'] !== 'context') walk(access.left);
    }
  }

  for (const { json } of policies) walk(json.conditions);
  return isWhole ? undefined : names;
}

interface Access {
  readonly left: Readonly<Record<string, unknown>>;
  readonly names: readonly string[];
}

function asAccess(value: unknown): Access | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { left, attr } = value as { left?: unknown; attr?: unknown };
  const names = typeof attr === 'string' ? [attr] : Array.isArray(attr) ? attr.map(String) : undefined;
  if (names === undefined || typeof left !== 'object' || left === null) return undefined;
  return { left: left as Access['left'], names };
}
