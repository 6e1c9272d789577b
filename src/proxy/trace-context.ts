/** Place of a request in a distributed trace (W3C Trace Context, `traceparent` header); ids are lower-case hexadecimal. */
export interface TraceContext {
  readonly traceId: string;
  /** The caller's own step, under which ours belongs. */
  readonly parentId: string;
  /** The caller records this trace. */
  readonly isSampled: boolean;
}

const TRACE_PARENT = /^(?!ff)[\da-f]{2}-(?!0{32})([\da-f]{32})-(?!0{16})([\da-f]{16})-([\da-f]{2})(?:$|-)/;
const SAMPLED = 0x01;

/** A `traceparent` header; `undefined` for none, and for one that is not well-formed. */
export function parseTraceParent(header: string | null): TraceContext | undefined {
  const [, traceId, parentId, flags] = (header !== null && TRACE_PARENT.exec(header)) || [];
  if (traceId === undefined || parentId === undefined || flags === undefined) return undefined;
  // Version 00 ends with the flags; later ones may go on.
  if (header?.startsWith('00') === true && header.length > VERSION_0_LENGTH) return undefined;
  return { traceId, parentId, isSampled: (Number.parseInt(flags, 16) & SAMPLED) !== 0 };
}

const VERSION_0_LENGTH = 55;
