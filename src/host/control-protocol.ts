import * as v from 'valibot';
import { readBody } from '../platform/index.ts';
import { WorkloadStatusSchema } from '../records/index.ts';

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
  /** What it serves at this moment, by name; a host of an older executable does not say. */
  workloads: v.optional(
    v.record(v.string(), v.object({ status: WorkloadStatusSchema, context: v.string() })),
  ),
});
export type Hello = v.InferOutput<typeof HelloSchema>;

export const StartRequestSchema = v.object({
  environment: v.record(v.string(), v.string()),
  /** A command of an older version says it among the variables. */
  runtime: v.optional(v.string()),
});

/** What a command did and could not write to the status file: the host goes on trying, as long as nobody else writes it. */
export const RecordRequestSchema = v.object({
  /** `undefined`: the file is to be deleted. */
  status: v.optional(WorkloadStatusSchema),
  context: v.optional(v.string(), ''),
  /** `updated_at` of the status file that the command saw. */
  updatedAt: v.optional(v.string()),
});
export type RecordRequest = v.InferInput<typeof RecordRequestSchema>;

/** Tools of a server, in its own words. */
export const ToolsSchema = v.object({ tools: v.array(v.looseObject({ name: v.string() })) });

export const ErrorBodySchema = v.object({
  error: v.string(),
  /** The same with all that is known of it; a host of an older executable does not say. */
  thrown: v.optional(
    v.object({
      code: v.string(),
      facts: v.record(v.string(), v.unknown()),
      hint: v.optional(v.string()),
      context: v.array(v.union([v.string(), v.object({ step: v.string() })])),
      exitCode: v.number(),
      systemCode: v.optional(v.string()),
      message: v.string(),
    }),
  ),
});

/** A host of an older executable has nothing to hand on. */
export const HandOverSchema = v.object({ environment: v.optional(v.record(v.string(), v.string()), {}) });

/** An environment is the longest of what is sent. */
const LIMITS = { maxBytes: 8 * 1024 * 1024, timeoutMs: 30_000 } as const;

/** The body of a control request. Throws `ValiError`, and what `readBody` throws. */
export async function readControlBody<Schema extends v.GenericSchema>(
  request: Request,
  schema: Schema,
): Promise<v.InferOutput<Schema>> {
  return v.parse(v.pipe(v.string(), v.parseJson(), schema), await readBody(request, LIMITS));
}
