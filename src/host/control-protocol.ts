import * as v from 'valibot';

/** Control protocol between commands and the workload host: HTTP and JSON over its control socket. */
export const PROTOCOL = 1;

export const HelloSchema = v.object({
  program: v.literal('thv'),
  protocol: v.number(),
  version: v.string(),
  /** When the executable was built, RFC 3339; decides which of two is the newer one. */
  builtAt: v.string(),
  processId: v.number(),
  stateFolder: v.string(),
});
export type Hello = v.InferOutput<typeof HelloSchema>;

export const StartRequestSchema = v.object({ environment: v.record(v.string(), v.string()) });

export const ErrorBodySchema = v.object({ error: v.string() });

/** A host of an older executable has nothing to hand on. */
export const HandOverSchema = v.object({ environment: v.optional(v.record(v.string(), v.string()), {}) });
