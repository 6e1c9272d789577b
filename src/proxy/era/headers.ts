import { HEADER_MISMATCH, type Rejection, versionMismatch } from './classify.ts';
import { MODERN_VERSION } from './versions.ts';

/** A tool argument that clients must repeat in `Mcp-Param-<header>` (spec 04 §18.1). */
export interface MirroredParam {
  /** Names from `arguments` down to the value. */
  readonly path: readonly string[];
  readonly header: string;
}

export interface HeaderFacts {
  readonly method: string;
  /** `params`, parsed as far as names and arguments are concerned. */
  readonly params: unknown;
  /** Value of a header by its lower-case name. */
  readonly header: (name: string) => string | null | undefined;
  /** What is known of the tool that is called; default: nothing. */
  readonly mirrored?: readonly MirroredParam[];
}

/**
 * Whether the headers of a modern request say what its body says (spec 04 §18.1, §18.2): a router that goes by
 * headers must not see something else than the server. `undefined`: they do.
 */
export function findHeaderMismatch({
  method,
  params,
  header,
  mirrored = [],
}: HeaderFacts): Rejection | undefined {
  const version = header('mcp-protocol-version') ?? '';
  if (version !== MODERN_VERSION) return versionMismatch(version, MODERN_VERSION);
  const methodHeader = header('mcp-method') ?? '';
  if (methodHeader !== method) return mismatch('Mcp-Method', methodHeader, method);
  return findNameMismatch(method, params, header) ?? findParamMismatch(params, header, mirrored);
}

/** `=?base64?<base64 of UTF-8>?=` is decoded, everything else is what it is; `undefined` when it is malformed. */
export function decodeHeaderValue(value: string): string | undefined {
  if (!value.startsWith(MARK) || !value.endsWith(END_MARK) || value.length < MARK.length + END_MARK.length)
    return value;
  const encoded = value.slice(MARK.length, -END_MARK.length);
  if (!BASE64.test(encoded)) return undefined;
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.from(encoded, 'base64'));
  } catch {
    // Not UTF-8: it cannot equal anything in a JSON body.
    return undefined;
  }
}

/** The `x-mcp-header` annotations of one tool's input schema; those that break the rules of the revision are left out. */
export function findMirroredParams(inputSchema: unknown): MirroredParam[] {
  const found: MirroredParam[] = [];
  collect(inputSchema, [], found);
  return found;
}

const MARK = '=?base64?';
const END_MARK = '?=';
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const MAX_DEPTH = 32;

/** Member of `params` that `Mcp-Name` repeats. */
function nameMember(method: string): 'name' | 'uri' | undefined {
  switch (method) {
    case 'tools/call':
    case 'prompts/get':
      return 'name';
    case 'resources/read':
      return 'uri';
    default:
      return undefined;
  }
}

function findNameMismatch(
  method: string,
  params: unknown,
  header: HeaderFacts['header'],
): Rejection | undefined {
  const member = nameMember(method);
  if (member === undefined) return undefined;
  const name = memberOf(params, member);
  // A body without a name is the server's to refuse.
  if (typeof name !== 'string') return undefined;
  const sent = header('mcp-name');
  const decoded = decodeHeaderValue(sent ?? '');
  return sent === null || sent === undefined || decoded !== name
    ? mismatch('Mcp-Name', decoded ?? sent ?? '', name)
    : undefined;
}

function findParamMismatch(
  params: unknown,
  header: HeaderFacts['header'],
  mirrored: readonly MirroredParam[],
): Rejection | undefined {
  for (const { path, header: name } of mirrored) {
    const value = path.reduce(memberOf, memberOf(params, 'arguments'));
    const sent = header(`mcp-param-${name.toLowerCase()}`) ?? undefined;
    if (isUnmirrorable(value)) continue;
    const expected = value === undefined || value === null ? undefined : String(value);
    const decoded = sent === undefined ? undefined : decodeHeaderValue(sent);
    if (sent === undefined ? expected === undefined : decoded === expected) continue;
    if (typeof value === 'number' && decoded !== undefined && decoded !== '' && Number(decoded) === value)
      continue;
    return mismatch(`Mcp-Param-${name}`, decoded ?? sent ?? '', expected ?? '');
  }
  return undefined;
}

/** What has no spelling as a header, or lost its digits when the body was parsed: not for us to judge. */
function isUnmirrorable(value: unknown): boolean {
  if (typeof value === 'number') return Number.isInteger(value) && !Number.isSafeInteger(value);
  return typeof value === 'object' && value !== null;
}

function mismatch(name: string, header: string, body: string): Rejection {
  return {
    code: HEADER_MISMATCH,
    message: `${name} header ${JSON.stringify(header)} does not match ${JSON.stringify(body)} in the request body`,
    data: { header, body },
  };
}

function collect(schema: unknown, path: readonly string[], found: MirroredParam[]): void {
  const properties = memberOf(schema, 'properties');
  if (typeof properties !== 'object' || properties === null || path.length > MAX_DEPTH) return;
  for (const [name, property] of Object.entries(properties)) {
    const header = memberOf(property, 'x-mcp-header');
    const here = [...path, name];
    if (typeof header === 'string' && TOKEN.test(header)) found.push({ path: here, header });
    collect(property, here, found);
  }
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? (value as Readonly<Record<string, unknown>>)[name]
    : undefined;
}
