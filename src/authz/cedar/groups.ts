import type { CedarSettings } from '../config.ts';

type Claims = Readonly<Record<string, unknown>>;

const USUAL_CLAIMS = ['groups', 'roles', 'cognito:groups'] as const;

/** The groups that a caller belongs to (spec 05 §11.4). A claim that is an array counts, even an empty one. */
export function groupsOf(
  claims: Claims,
  { group_claim_name, role_claim_name }: Pick<CedarSettings, 'group_claim_name' | 'role_claim_name'>,
): readonly string[] {
  const named = arrayAt(claims, group_claim_name);
  const groups = named ?? USUAL_CLAIMS.map((name) => ownMember(claims, name)).find(Array.isArray) ?? [];
  const roles = arrayAt(claims, role_claim_name) ?? [];
  const texts = [...groups, ...roles].filter((group) => typeof group === 'string');
  return [...new Set(texts)];
}

/** The exact name first, then as a path through objects. */
function arrayAt(claims: Claims, name: string): readonly unknown[] | undefined {
  if (name === '') return undefined;
  const exact = ownMember(claims, name);
  if (exact !== undefined) return Array.isArray(exact) ? exact : undefined;
  const found = name.split('.').reduce<unknown>(ownMember, claims);
  return Array.isArray(found) ? found : undefined;
}

function ownMember(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? (value as Claims)[name]
    : undefined;
}
