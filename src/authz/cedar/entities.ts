import type { EntityJson, EntityUidJson, TypeAndId } from '@cedar-policy/cedar-wasm/web';
import * as v from 'valibot';
import { messageOf } from '../../errors/index.ts';
import { invalid } from '../config.ts';
import type { CedarEngine } from './engine.ts';

export type Entity = EntityJson & { readonly uid: TypeAndId };

const Uid = v.pipe(
  v.unknown(),
  v.check(
    (uid) => toUid(uid) !== undefined,
    ({ input }) => `${JSON.stringify(input)} is no entity (write {"type":"Tool","id":"weather"})`,
  ),
  v.transform((uid) => toUid(uid) ?? { type: '', id: '' }),
);
const Entities = v.array(
  v.looseObject({
    uid: Uid,
    parents: v.nullish(v.array(Uid), () => []),
    attrs: v.nullish(v.record(v.string(), v.unknown()), () => ({})),
  }),
);

/** `entities_json` in its normal form (spec 05 §9, §20-12). Throws `ERR_AUTHZ_INVALID`. */
export function parseEntities(engine: CedarEngine, text: string): readonly Entity[] {
  if (text.trim() === '') return [];
  const failed = (reason: string) => invalid(`failed to parse entities JSON: ${reason}`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw failed(messageOf(error));
  }
  const parsed = v.safeParse(Entities, value);
  if (!parsed.success) {
    throw failed(
      parsed.issues.map((issue) => `${v.getDotPath(issue) ?? 'document'}: ${issue.message}`).join('; '),
    );
  }
  const entities = parsed.output as readonly Entity[];
  const answer = engine.ask((cedar) => cedar.checkParseEntities({ entities: [...entities] }));
  if (answer.type === 'success') return entities;
  throw failed(answer.errors.map(({ message }) => message).join('; '));
}

function toUid(uid: unknown): TypeAndId | undefined {
  if (typeof uid === 'string') return parseUid(uid);
  if (typeof uid !== 'object' || uid === null) return undefined;
  const { __entity: inner, type, id } = uid as Record<string, unknown>;
  if (inner !== undefined) return typeof inner === 'string' ? undefined : toUid(inner);
  return typeof type === 'string' && typeof id === 'string' ? { type, id } : undefined;
}

/** `Tool::"weather"`, or without the quotes, as published examples have it; `undefined` when it is neither. */
function parseUid(text: string): TypeAndId | undefined {
  const quoted = /^([A-Za-z_]\w*(?:::[A-Za-z_]\w*)*)::("(?:[^"\\]|\\.)*")$/s.exec(text);
  if (quoted !== null) return { type: quoted[1] ?? '', id: unquote(quoted[2] ?? '') };
  const plain = /^([A-Za-z_]\w*(?:::[A-Za-z_]\w*)*)::([^"].*)$/s.exec(text);
  return plain === null ? undefined : { type: plain[1] ?? '', id: plain[2] ?? '' };
}

function unquote(quoted: string): string {
  try {
    return String(JSON.parse(quoted));
  } catch {
    return quoted.slice(1, -1); // an escape that JSON does not know
  }
}

export function keyOf({ type, id }: TypeAndId): string {
  return `${type}::${JSON.stringify(id)}`;
}

/**
 * Entities of a request among those of the file: where both have one, its attributes are those of the request and beneath them
 * those of the file, and it belongs to what either says.
 */
export function mergeEntities(
  declared: readonly Entity[],
  byKey: ReadonlyMap<string, Entity>,
  own: readonly Entity[],
): EntityJson[] {
  const keys = new Set(own.map(({ uid }) => keyOf(uid)));
  const merged = own.map((entity) => {
    const beneath = byKey.get(keyOf(entity.uid));
    if (beneath === undefined) return entity;
    return {
      ...beneath,
      uid: entity.uid,
      attrs: { ...beneath.attrs, ...entity.attrs },
      parents: uniqueUids([...entity.parents, ...beneath.parents]),
    };
  });
  if (declared.length === 0) return merged;
  return [...declared.filter(({ uid }) => !keys.has(keyOf(uid))), ...merged];
}

function uniqueUids(uids: readonly EntityUidJson[]): EntityUidJson[] {
  const known = new Map(uids.map((uid) => [keyOf('__entity' in uid ? uid.__entity : uid), uid]));
  return [...known.values()];
}
