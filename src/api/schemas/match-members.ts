import type * as v from 'valibot';

/** What is looked at of a valibot schema: objects have entries, arrays an item, and wrappers something wrapped. */
interface AnySchema {
  readonly type: string;
  readonly entries?: Readonly<Record<string, AnySchema>>;
  readonly item?: AnySchema;
  readonly wrapped?: AnySchema;
  readonly pipe?: readonly AnySchema[];
  /** Schema of a record's values. */
  readonly value?: AnySchema;
}

/**
 * A decoded body with its members named as the schema names them, whatever their case, the last of several winning, and
 * without members that are `null`: how the reference decodes (spec 10 §6.4). Keys of maps are the caller's and stay.
 */
export function matchMembers(schema: v.GenericSchema, value: unknown): unknown {
  return match(schema as unknown as AnySchema, value);
}

function match(schema: AnySchema, value: unknown): unknown {
  const { entries, item, wrapped, pipe, value: mapValue } = schema;
  if (entries !== undefined) return isObject(value) ? matchObject(entries, value) : value;
  if (schema.type === 'array' && item !== undefined)
    return Array.isArray(value) ? value.map((element) => match(item, element)) : value;
  if (schema.type === 'record' && mapValue !== undefined && isObject(value))
    return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, match(mapValue, member)]));
  if (wrapped !== undefined) return match(wrapped, value);
  const inner = pipe?.[0];
  return inner === undefined || inner === schema ? value : match(inner, value);
}

function matchObject(
  entries: Readonly<Record<string, AnySchema>>,
  value: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const names = new Map(Object.keys(entries).map((name) => [name.toLowerCase(), name]));
  const matched: Record<string, unknown> = {};
  for (const [key, member] of Object.entries(value)) {
    if (member === null) continue;
    const name = names.get(key.toLowerCase());
    const known = name === undefined ? undefined : entries[name];
    if (name !== undefined && known !== undefined) matched[name] = match(known, member);
    else matched[key] = member;
  }
  return matched;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
