import * as v from 'valibot';
import { WorkloadStatusSchema } from '../../records/index.ts';
import { named } from './names.ts';

const Time = v.pipe(v.string(), v.isoTimestamp(), v.description('RFC 3339; year 1 when the time is unknown'));

const HeldLimit = named(
  'thv.HeldLimit',
  v.object({
    limit: v.pipe(v.union([v.string(), v.number()]), v.description('A size such as 4g, or a number')),
    held_by: v.pipe(v.string(), v.description('`control group`, `resource limit`, `watch` or `nothing`')),
  }),
);

/** A workload in lists and events (spec 10 §11.1). */
const WorkloadEntry = named(
  'core.Workload',
  v.object({
    name: v.string(),
    package: v.pipe(v.string(), v.description('Image, package reference, or `remote`')),
    url: v.pipe(v.string(), v.description('Where MCP clients connect; empty without a port')),
    port: v.number(),
    transport_type: v.picklist(['stdio', 'sse', 'streamable-http']),
    proxy_mode: v.optional(v.string()),
    status: WorkloadStatusSchema,
    status_context: v.optional(v.string()),
    created_at: Time,
    started_at: Time,
    labels: v.optional(v.record(v.string(), v.string())),
    group: v.optional(v.string()),
    tools: v.optional(v.array(v.string())),
    remote: v.optional(v.boolean()),
    runtime: v.optional(
      v.pipe(v.literal('process'), v.description('The workload runs as a process, without a container')),
    ),
    confined: v.optional(v.pipe(v.boolean(), v.description('Whether the process runs in a sandbox'))),
    limits: v.optional(
      v.pipe(
        v.object({
          memory: v.optional(HeldLimit),
          cpus: v.optional(HeldLimit),
          pids: v.optional(HeldLimit),
        }),
        v.description('Limits of the process and everything it starts'),
      ),
    ),
    js_runtime: v.optional(
      v.pipe(
        v.object({
          name: v.string(),
          version: v.string(),
          path: v.optional(v.string()),
          reason: v.string(),
        }),
        v.description('Runtime of a JavaScript package that runs as a process: node or bun, and why'),
      ),
    ),
    held_back: v.optional(
      v.pipe(v.array(v.string()), v.description('Installed packages whose install scripts were not run')),
    ),
    weaknesses: v.optional(
      v.pipe(v.array(v.string()), v.description('Points in which the sandbox is weaker than a container')),
    ),
  }),
);

export const WorkloadList = named(
  'pkg_api_v1.workloadListResponse',
  v.object({ workloads: v.array(WorkloadEntry) }),
);

export const CreatedWorkload = named(
  'pkg_api_v1.createWorkloadResponse',
  v.object({ name: v.string(), port: v.number() }),
);

/** What the server of a workload tried to reach and was refused. */
export const WorkloadNetwork = named(
  'thv.WorkloadNetwork',
  v.object({
    refused_total: v.pipe(v.number(), v.description('How many attempts were refused')),
    attempts: v.pipe(
      v.array(
        v.object({
          verdict: v.picklist(['allowed', 'refused']),
          protocol: v.picklist(['http', 'connect', 'tcp', 'dns', 'ingress']),
          host: v.pipe(
            v.string(),
            v.description('`*` for attempts at so many hosts that they were counted together'),
          ),
          port: v.pipe(v.number(), v.description('0 where there is none, as in the look-up of a name')),
          rule: v.pipe(v.string(), v.description('Which rule decided, in words')),
          remedy: v.optional(v.pipe(v.string(), v.description('What would allow what was refused'))),
          count: v.number(),
          first_at: Time,
          last_at: Time,
        }),
      ),
      v.description('Attempts that were alike, the newest first'),
    ),
  }),
);

export const StatusOfWorkload = named(
  'pkg_api_v1.workloadStatusResponse',
  v.object({ status: WorkloadStatusSchema }),
);

export const BulkOperation = named(
  'pkg_api_v1.bulkOperationRequest',
  v.object({
    names: v.optional(v.array(v.string()), []),
    group: v.optional(v.string(), ''),
  }),
);

/** Which of a bulk operation's names are known; clients that ignore bodies lose nothing (spec 10 §20-14). */
export const BulkAccepted = named(
  'pkg_api_v1.bulkOperationResponse',
  v.object({ accepted: v.array(v.string()), unknown: v.array(v.string()) }),
);

/** The document of spec 02 §1; its own schema is where it is read. */
export const ExportedConfig = named(
  'runner.RunConfig',
  v.looseObject({
    schema_version: v.string(),
    name: v.string(),
    image: v.string(),
    transport: v.string(),
    container_name: v.optional(v.string()),
  }),
);
