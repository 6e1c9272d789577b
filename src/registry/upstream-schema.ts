import * as v from 'valibot';
import { NAMESPACE, PUBLISHER } from './from-upstream.ts';

/**
 * The published schemas of the upstream format and of ToolHive's extension (spec 08 §3, §3.1), as far as what we write can
 * offend against them. Only what is converted is held to them; loading is lenient.
 */

const Port = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(65_535));
const Uri = v.pipe(
  v.string(),
  v.check(
    (text) => URL.canParse(text),
    ({ input }) => `${JSON.stringify(input)} is no URI`,
  ),
);
const DateTime = v.pipe(
  v.string(),
  v.isoTimestamp(({ input }) => `${JSON.stringify(input)} is no date and time`),
);
const Name = v.pipe(
  v.string(),
  v.regex(/^[A-Za-z_][A-Za-z0-9_]*$/, ({ input }) => `bad variable name ${JSON.stringify(input)}`),
);
const Path = v.pipe(
  v.string(),
  v.regex(/^(?:\/[^/\0]+)+\/?$/, ({ input }) => `${JSON.stringify(input)} is no absolute path`),
);

function unique<const Item extends v.GenericSchema>(item: Item) {
  return v.pipe(
    v.array(item),
    v.check((items) => new Set(items).size === items.length, 'an item occurs twice'),
  );
}

/** Length in code points, as JSON Schema counts it. */
function text(least: number, most: number) {
  return v.pipe(
    v.string(),
    v.check(
      (value) => [...value].length >= least && [...value].length <= most,
      ({ input }) => `${[...input].length} characters, must be ${least} to ${most}`,
    ),
  );
}

const Tag = v.pipe(
  v.string(),
  v.regex(/^[a-z0-9][a-z0-9_-]*[a-z0-9]$/, ({ input }) => `bad tag ${JSON.stringify(input)}`),
);
const Tool = v.pipe(
  v.string(),
  v.regex(/^[\w-]+$/, ({ input }) => `bad tool name ${JSON.stringify(input)}`),
);
const Host = v.pipe(
  v.string(),
  v.regex(
    /^\.?[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?$/,
    ({ input }) => `bad host ${JSON.stringify(input)}`,
  ),
);

const Extension = v.strictObject({
  status: v.picklist(['active', 'deprecated', 'Active', 'Deprecated']),
  tier: v.optional(v.picklist(['Official', 'Community'])),
  stateless: v.optional(v.boolean()),
  tools: v.optional(unique(Tool)),
  tags: v.optional(unique(Tag)),
  overview: v.optional(v.string()),
  tool_definitions: v.optional(v.array(v.looseObject({ name: v.string() }))),
  metadata: v.optional(
    v.strictObject({
      stars: v.optional(v.pipe(v.number(), v.minValue(0))),
      last_updated: v.optional(DateTime),
      kubernetes: v.optional(v.record(v.string(), v.unknown())),
    }),
  ),
  custom_metadata: v.optional(v.record(v.string(), v.unknown())),
  permissions: v.optional(
    v.strictObject({
      name: v.optional(v.string()),
      read: v.optional(v.nullable(unique(Path))),
      write: v.optional(v.nullable(unique(Path))),
      privileged: v.optional(v.boolean()),
      network: v.optional(
        v.nullable(
          v.strictObject({
            mode: v.optional(v.string()),
            outbound: v.optional(
              v.nullable(
                v.strictObject({
                  insecure_allow_all: v.optional(v.boolean()),
                  allow_host: v.optional(v.nullable(unique(Host))),
                  allow_port: v.optional(v.nullable(unique(Port))),
                }),
              ),
            ),
            inbound: v.optional(
              v.nullable(v.strictObject({ allow_host: v.optional(v.nullable(unique(Host))) })),
            ),
          }),
        ),
      ),
    }),
  ),
  args: v.optional(v.array(v.string())),
  provenance: v.optional(v.record(v.string(), v.unknown())),
  docker_tags: v.optional(unique(v.string())),
  proxy_port: v.optional(Port),
  oauth_config: v.optional(v.record(v.string(), v.unknown())),
  env_vars: v.optional(
    v.array(
      v.strictObject({
        name: Name,
        description: v.string(),
        required: v.boolean(),
        secret: v.optional(v.boolean()),
        default: v.optional(v.string()),
      }),
    ),
  ),
});

const Input = v.object({ name: v.pipe(v.string(), v.nonEmpty('name is empty')) });
const HttpTransport = v.object({ type: v.picklist(['sse', 'streamable-http']), url: Uri });

const Server = v.object({
  name: v.pipe(
    text(3, 200),
    v.regex(/^[a-zA-Z0-9.-]+\/[a-zA-Z0-9._-]+$/, ({ input }) => `bad server name ${JSON.stringify(input)}`),
  ),
  description: text(1, 100),
  title: v.optional(text(1, 100)),
  version: text(1, 255),
  repository: v.optional(v.object({ url: Uri, source: v.string() })),
  packages: v.optional(
    v.array(
      v.object({
        registryType: v.string(),
        identifier: v.pipe(v.string(), v.nonEmpty('identifier is empty')),
        transport: v.variant('type', [v.object({ type: v.literal('stdio') }), HttpTransport]),
        environmentVariables: v.optional(v.array(v.object({ name: Name }))),
      }),
    ),
  ),
  remotes: v.optional(v.array(v.object({ ...HttpTransport.entries, headers: v.optional(v.array(Input)) }))),
  _meta: v.object({ [PUBLISHER]: v.object({ [NAMESPACE]: v.record(v.string(), Extension) }) }),
});

const Document = v.object({
  version: v.pipe(
    v.string(),
    v.regex(/^\d+\.\d+\.\d+$/, ({ input }) => `${JSON.stringify(input)} is no version`),
  ),
  meta: v.object({ last_updated: DateTime }),
  data: v.object({ servers: v.array(v.unknown()) }),
});

/** Everything in a converted document that offends against the schemas, each named by its server; empty when all is well. */
export function schemaProblems(document: {
  readonly data: { readonly servers: readonly { readonly name: string }[] };
}): readonly string[] {
  return [
    ...problemsOf(Document, document, ''),
    ...document.data.servers.flatMap((server) => problemsOf(Server, server, `${server.name}: `)),
  ];
}

function problemsOf(schema: v.GenericSchema, value: unknown, prefix: string): readonly string[] {
  const { issues = [] } = v.safeParse(schema, value);
  return issues.map((issue) => {
    // The namespaces on the way to an extension say nothing to a person.
    const path = (v.getDotPath(issue) ?? 'document').replace(`_meta.${PUBLISHER}.${NAMESPACE}.`, '');
    return `${prefix}${path}: ${issue.message}`;
  });
}
