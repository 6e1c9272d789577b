import type { PdpSettings } from '../config.ts';

type Claims = Readonly<Record<string, unknown>>;

/** The caller as the decision point knows it (spec 05 §15). Values are copied as they are; absent claims stay absent. */
export function mapClaims(claims: Claims, mapping: PdpSettings['claim_mapping']): Claims {
  const first = (...names: readonly string[]) => names.map((name) => own(claims, name)).find(isPresent);
  const mapped: Claims =
    mapping === 'standard'
      ? {
          sub: own(claims, 'sub'),
          roles: own(claims, 'roles'),
          groups: own(claims, 'groups'),
          scopes: first('scopes', 'scope'),
        }
      : {
          sub: own(claims, 'sub'),
          mroles: first('mroles', 'roles'),
          mgroups: own(claims, 'mgroups'),
          scopes: own(claims, 'scopes'),
          mclearance: first('mclearance', 'clearance'),
          mannotations: first('mannotations', 'annotations') ?? {},
        };
  return Object.fromEntries(Object.entries(mapped).filter(([, value]) => isPresent(value)));
}

function own(claims: Claims, name: string): unknown {
  return Object.hasOwn(claims, name) ? claims[name] : undefined;
}

function isPresent(value: unknown): boolean {
  return value !== undefined && value !== null;
}
