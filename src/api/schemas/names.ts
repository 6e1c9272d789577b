import type * as v from 'valibot';

/** Schemas that generated clients know by name (spec 10 §8). */
const names = new Map<v.GenericSchema, string>();

/** Puts a schema into `components.schemas` under `name`. */
export function named<Schema extends v.GenericSchema>(name: string, schema: Schema): Schema {
  names.set(schema, name);
  return schema;
}

export function nameOf(schema: v.GenericSchema): string | undefined {
  return names.get(schema);
}

export function namedSchemas(): Readonly<Record<string, v.GenericSchema>> {
  return Object.fromEntries([...names].map(([schema, name]) => [name, schema]));
}
