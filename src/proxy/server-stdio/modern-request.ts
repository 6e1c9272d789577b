import {
  classifyEra,
  findHeaderMismatch,
  type MirroredParam,
  MODERN_VERSION,
  type Rejection,
  VERSION_UNSUPPORTED,
} from '../era/index.ts';
import { findMember, type Request as RpcRequest, stringAt } from '../json-rpc/index.ts';

/** How one request is to be served, as it says itself (spec 04 §7.1). */
export type Demand =
  | { readonly era: 'legacy' }
  /** Its version is not one that we know; what to offer instead depends on the server. */
  | { readonly era: 'unknown'; readonly requested: string }
  | {
      readonly era: 'modern' /** Log messages that it wants to hear meanwhile, from that level on. */;
      readonly logLevel: string | undefined;
    }
  | { readonly era: 'rejected'; readonly rejection: Rejection };

const LEGACY: Demand = { era: 'legacy' };
const LOG_LEVEL = 'io.modelcontextprotocol/logLevel';

/** Legacy traffic pays for a look at `_meta`, which is parsed only if it speaks of the protocol. */
export function readDemand(message: RpcRequest, header: string | null): Demand {
  const meta = parseMeta(message);
  if (meta === undefined && header !== MODERN_VERSION) return LEGACY;
  const era = classifyEra({ method: message.method, meta, header });
  switch (era.era) {
    case 'legacy':
      return LEGACY;
    case 'modern':
      return { era: 'modern', logLevel: logLevelIn(meta) };
    case 'rejected': {
      const { code, data } = era;
      if (code === VERSION_UNSUPPORTED) return { era: 'unknown', requested: String(data?.['requested']) };
      const { era: _, ...rejection } = era;
      return { era: 'rejected', rejection };
    }
  }
}

/** Whether the headers repeat the body as the revision demands (spec 04 §18.1, §18.2). */
export function findMismatch(
  message: RpcRequest,
  headers: Headers,
  mirrored: (tool: string) => readonly MirroredParam[],
): Rejection | undefined {
  const { text, params: place, method } = message;
  const name = stringAt(text, findMember(text, place, 'name'));
  const uri = stringAt(text, findMember(text, place, 'uri'));
  const known = method === 'tools/call' && name !== undefined ? mirrored(name) : [];
  const args = known.length === 0 ? undefined : findMember(text, place, 'arguments');
  const params = {
    name,
    uri,
    arguments: args === undefined ? undefined : JSON.parse(text.slice(args.start, args.end)),
  };
  return findHeaderMismatch({ method, params, header: (header) => headers.get(header), mirrored: known });
}

/** A level that is none counts as the most verbose one (spec 04 §6.5). */
function logLevelIn(meta: object | undefined): string | undefined {
  if (meta === undefined || !Object.hasOwn(meta, LOG_LEVEL)) return undefined;
  const level: unknown = Reflect.get(meta, LOG_LEVEL);
  return typeof level === 'string' ? level : 'debug';
}

function parseMeta({ text, meta }: RpcRequest): object | undefined {
  if (meta === undefined || text[meta.start] !== '{') return undefined;
  const slice = text.slice(meta.start, meta.end);
  // An escape may hide a letter of the names.
  return slice.includes('io.modelcontextprotocol') || slice.includes('\\') ? JSON.parse(slice) : undefined;
}
