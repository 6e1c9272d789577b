import * as v from 'valibot';
import type { McpConnection } from './mcp-client.ts';
import { isObject, type Sent } from './mcp-record.ts';

export type OfferingKind = 'tools' | 'resources' | 'prompts';

/** One thing that a server offers, as it describes it; nothing about it is certain. */
export type Offering = Sent;

export interface Offerings {
  readonly items: readonly Offering[];
  /** What is odd about them, in words. */
  readonly oddities: readonly string[];
}

/**
 * All pages of one kind, as the server sent them. Clients refuse a whole list for one odd entry; here each is looked at by
 * itself, and what a strict client would stumble over is told. What a server does not advertise it does not have.
 */
export async function listOfferings(
  kind: OfferingKind,
  { client, request }: McpConnection,
): Promise<Offerings> {
  if (client.getServerCapabilities()?.[kind] === undefined) return { items: [], oddities: [] };
  const items: Offering[] = [];
  const oddities: string[] = [];
  const seen = new Set<string>();
  for (let cursor: string | undefined; ; ) {
    const params = cursor === undefined ? {} : { cursor };
    const page = await client.request({ method: `${kind}/list`, params }, Page, request);
    take(kind, page[kind], { items, oddities });
    const next = page['nextCursor'];
    if (next !== undefined && typeof next !== 'string') oddities.push(`nextCursor is ${describe(next)}`);
    if (typeof next !== 'string' || next === '') return { items, oddities };
    if (seen.has(next)) {
      oddities.push(`the page after ${JSON.stringify(next)} leads back to itself`);
      return { items, oddities };
    }
    seen.add(next);
    cursor = next;
  }
}

const Page = v.looseObject({});

function take(
  kind: OfferingKind,
  list: unknown,
  { items, oddities }: { readonly items: Offering[]; readonly oddities: string[] },
): void {
  if (!Array.isArray(list)) {
    oddities.push(`${kind} is ${describe(list)} where a list is expected`);
    return;
  }
  for (const item of list) {
    const place = `${kind}[${items.length}]`;
    if (!isObject(item)) {
      oddities.push(`${place} is ${describe(item)} where an object is expected; it is left out`);
      continue;
    }
    items.push(item);
    const named = typeof item['name'] === 'string' ? ` ${JSON.stringify(item['name'])}` : '';
    for (const problem of problemsOf(kind, item)) oddities.push(`${place}${named}: ${problem}`);
  }
}

function problemsOf(kind: OfferingKind, item: Offering): readonly string[] {
  const parsed = v.safeParse(SCHEMAS[kind], item);
  if (parsed.success) return [];
  return parsed.issues.map((issue) => `${v.getDotPath(issue) ?? 'it'}: ${issue.message}`);
}

function describe(value: unknown): string {
  if (value === undefined) return 'missing';
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

/** MCP 2025-11-25 "Schema Reference", as far as clients check it. */
const Text = v.optional(v.string());
const Meta = v.optional(v.record(v.string(), v.unknown()));
const Schema = v.looseObject({
  type: v.literal('object'),
  properties: v.optional(v.record(v.string(), v.unknown())),
  required: v.optional(v.array(v.string())),
});
const Flag = v.optional(v.boolean());
const Common = {
  name: v.pipe(v.string(), v.nonEmpty('Invalid value: Expected a name')),
  title: Text,
  description: Text,
  _meta: Meta,
};

const SCHEMAS = {
  tools: v.looseObject({
    ...Common,
    inputSchema: Schema,
    outputSchema: v.optional(Schema),
    annotations: v.optional(
      v.looseObject({
        title: Text,
        readOnlyHint: Flag,
        destructiveHint: Flag,
        idempotentHint: Flag,
        openWorldHint: Flag,
      }),
    ),
  }),
  resources: v.looseObject({
    ...Common,
    uri: v.string(),
    mimeType: Text,
    size: v.optional(v.number()),
    annotations: v.optional(v.looseObject({})),
  }),
  prompts: v.looseObject({
    ...Common,
    arguments: v.optional(v.array(v.looseObject({ name: v.string(), description: Text, required: Flag }))),
  }),
} as const satisfies Record<OfferingKind, v.GenericSchema>;
