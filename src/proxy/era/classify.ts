import { LEGACY_VERSIONS, MODERN_VERSION } from './versions.ts';

/** To which generation of MCP one request belongs (spec 04 §7.1). */
export type Era =
  | { readonly era: 'legacy' }
  | { readonly era: 'modern'; readonly version: string }
  | ({ readonly era: 'rejected' } & Rejection);

/** Why a request is refused with 400 before the server hears of it; `data` is the member of that name, if any. */
export interface Rejection {
  readonly code: number;
  readonly message: string;
  readonly data?: Readonly<Record<string, unknown>>;
}

export interface EraFacts {
  readonly method: string;
  /** `params._meta`, parsed; what is no object counts as absent. */
  readonly meta: unknown;
  /** `MCP-Protocol-Version`; `null` and `''` are absent. */
  readonly header: string | null | undefined;
  /** Versions offered to a client with an unsupported one; default: the modern version alone. */
  readonly supported?: readonly string[];
}

export const HEADER_MISMATCH = -32020;
export const CAPABILITY_MISSING = -32021;
export const VERSION_UNSUPPORTED = -32022;
const INVALID_PARAMS = -32602;

export const META_VERSION = 'io.modelcontextprotocol/protocolVersion';
export const META_CLIENT = 'io.modelcontextprotocol/clientInfo';
export const META_CAPABILITIES = 'io.modelcontextprotocol/clientCapabilities';
export const META_SERVER = 'io.modelcontextprotocol/serverInfo';
export const META_SUBSCRIPTION = 'io.modelcontextprotocol/subscriptionId';

const LEGACY: Era = { era: 'legacy' };
const MODERN: Era = { era: 'modern', version: MODERN_VERSION };

export function classifyEra({ method, meta, header, supported }: EraFacts): Era {
  if (method === 'initialize') return LEGACY;
  const members = isObject(meta) ? meta : {};
  const isSignalled =
    header === MODERN_VERSION ||
    Object.hasOwn(members, META_VERSION) ||
    Object.hasOwn(members, META_CLIENT) ||
    Object.hasOwn(members, META_CAPABILITIES);
  if (!isSignalled) return LEGACY;
  const version = own(members, META_VERSION);
  if (typeof version !== 'string' || version === '') return withoutVersion(header ?? '');
  if (version !== MODERN_VERSION) return rejected(unsupportedVersion(version, supported));
  if (header !== undefined && header !== null && header !== '' && header !== version)
    return rejected(versionMismatch(header, version));
  if (!isObject(own(members, META_CAPABILITIES))) return rejected(CAPABILITIES_REJECTION);
  return MODERN;
}

/** Whether a client of the revision that the header names takes an event without data for what it is (MCP 2025-11-25). */
export function hasEmptyEvents(header: string | null): boolean {
  return header === '2025-11-25';
}

/** -32022, naming all that is served: a client chooses from it (spec 04 §18.2, §19.3). */
export function unsupportedVersion(
  requested: string,
  supported: readonly string[] = [MODERN_VERSION],
): Rejection {
  return {
    code: VERSION_UNSUPPORTED,
    message: `unsupported MCP protocol version "${requested}" (supported: [${supported.join(' ')}])`,
    data: { supported, requested },
  };
}

/** -32020 for the version header; `''` stands for one that is absent. */
export function versionMismatch(header: string, body: string): Rejection {
  return {
    code: HEADER_MISMATCH,
    message: `MCP-Protocol-Version header "${header}" does not match _meta protocol version "${body}"`,
    data: { header, body },
  };
}

/** Whether strict validation lets the header pass (spec 04 §6.2-1). */
export function isKnownVersion(header: string): boolean {
  return header === MODERN_VERSION || LEGACY_VERSIONS.includes(header);
}

const CAPABILITIES_REJECTION: Rejection = {
  code: CAPABILITY_MISSING,
  message: `request _meta is missing required client capabilities: ${META_CAPABILITIES}`,
  data: { requiredCapabilities: {} },
};

/** Real clients name themselves in `_meta` while they speak 2025-11-25: another version in the header is believed. */
function withoutVersion(header: string): Era {
  if (header === MODERN_VERSION) return rejected(versionMismatch(header, ''));
  if (header !== '') return LEGACY;
  return rejected({
    code: INVALID_PARAMS,
    message: `request carries a Modern signal but no valid ${META_VERSION} in _meta`,
  });
}

function rejected(rejection: Rejection): Era {
  return { era: 'rejected', ...rejection };
}

function own(members: Readonly<Record<string, unknown>>, name: string): unknown {
  return Object.hasOwn(members, name) ? members[name] : undefined;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
