/** RFC 6902 on parsed JSON. Numbers keep the digits that they came with. */

export interface PatchOperation {
  readonly op: string;
  readonly path: string;
  readonly from?: string | undefined;
  readonly value?: unknown;
}

type Container = Record<string, unknown> | unknown[];

/** Parses so that `stringifyExactly` gives every number back as it was written. */
export function parseExactly(text: string): unknown {
  return JSON.parse(text, function (
    this: unknown,
    _key: string,
    value: unknown,
    context?: { source?: string },
  ) {
    const source = context?.source;
    return typeof value === 'number' && source !== undefined && String(value) !== source
      ? (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON(source)
      : value;
  } as Parameters<typeof JSON.parse>[1]);
}

export function stringifyExactly(value: unknown): string {
  return JSON.stringify(value);
}

/** Changes `document` and gives the outcome. Throws for an operation that does not apply; `document` is spoilt then. */
export function applyPatch(document: unknown, operations: readonly PatchOperation[]): unknown {
  return operations.reduce(apply, document);
}

function apply(document: unknown, { op, path, from = '', value }: PatchOperation): unknown {
  switch (op) {
    case 'add':
      return add(document, path, structuredCopy(value));
    case 'remove':
      return remove(document, path);
    case 'replace':
      return replace(document, path, structuredCopy(value));
    case 'move': {
      if (path.startsWith(`${from}/`)) throw new Error('a value cannot be moved into itself');
      const moved = get(document, from);
      return add(remove(document, from), path, moved);
    }
    case 'copy':
      return add(document, path, structuredCopy(get(document, from)));
    case 'test':
      if (!isEqual(get(document, path), value)) throw new Error(`${path} is another value`);
      return document;
    default:
      throw new Error(`unknown operation ${op}`);
  }
}

/** The parts of a JSON pointer (RFC 6901). */
function partsOf(pointer: string): readonly string[] {
  if (pointer === '') return [];
  if (!pointer.startsWith('/')) throw new Error(`${pointer} is no JSON pointer`);
  return pointer
    .slice(1)
    .split('/')
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function get(document: unknown, pointer: string): unknown {
  return partsOf(pointer).reduce((value, part) => {
    if (!isContainer(value) || !Object.hasOwn(value, keyIn(value, part)))
      throw new Error(`${pointer} is not there`);
    return (value as Record<string, unknown>)[keyIn(value, part)];
  }, document);
}

function add(document: unknown, pointer: string, value: unknown): unknown {
  const parts = partsOf(pointer);
  const last = parts.at(-1);
  if (last === undefined) return value;
  const parent = parentOf(document, pointer);
  if (Array.isArray(parent)) {
    const at = last === '-' ? parent.length : indexIn(last);
    if (at > parent.length) throw new Error(`${pointer} is beyond the end`);
    parent.splice(at, 0, value);
  } else define(parent, last, value);
  return document;
}

/** In its place among its siblings. */
function replace(document: unknown, pointer: string, value: unknown): unknown {
  get(document, pointer);
  const last = partsOf(pointer).at(-1);
  if (last === undefined) return value;
  const parent = parentOf(document, pointer);
  if (Array.isArray(parent)) parent[indexIn(last)] = value;
  else define(parent, last, value);
  return document;
}

function remove(document: unknown, pointer: string): unknown {
  get(document, pointer);
  const last = partsOf(pointer).at(-1);
  if (last === undefined) throw new Error('the whole document cannot be removed');
  const parent = parentOf(document, pointer);
  if (Array.isArray(parent)) parent.splice(indexIn(last), 1);
  else delete parent[last];
  return document;
}

function parentOf(document: unknown, pointer: string): Container {
  const parent = get(document, pointer.slice(0, pointer.lastIndexOf('/')));
  if (!isContainer(parent)) throw new Error(`${pointer} is in nothing that has members`);
  return parent;
}

/** `__proto__` is a member like any other. */
function define(object: Record<string, unknown>, key: string, value: unknown): void {
  Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true });
}

function isContainer(value: unknown): value is Container {
  return typeof value === 'object' && value !== null && !isRaw(value);
}

function keyIn(container: Container, part: string): string {
  return Array.isArray(container) ? String(indexIn(part)) : part;
}

function indexIn(part: string): number {
  if (!/^(?:0|[1-9]\d{0,8})$/.test(part)) throw new Error(`${part} is no index`);
  return Number(part);
}

function isRaw(value: unknown): boolean {
  return (JSON as unknown as { isRawJSON(value: unknown): boolean }).isRawJSON(value);
}

function structuredCopy(value: unknown): unknown {
  return value === undefined ? null : parseExactly(stringifyExactly(value));
}

function isEqual(one: unknown, other: unknown): boolean {
  return Bun.deepEquals(JSON.parse(JSON.stringify(one)), JSON.parse(JSON.stringify(other ?? null)), true);
}
