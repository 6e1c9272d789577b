import * as v from 'valibot';
import { parsed } from '../cli/index.ts';
import { ThvError } from '../errors/index.ts';
import { formatDuration } from '../platform/index.ts';
import {
  type ParsedLabels,
  parseLabels,
  parseSecretParameter,
  ResourceLimitsSchema,
} from '../records/index.ts';
import { parsePublish, parseVolume } from '../sandbox/index.ts';
import {
  headersByName,
  parseForwardHeader,
  parseForwardHeaderSecret,
  parseVariable,
} from '../workloads/index.ts';

/** What the flags of `thv run` mean: each schema takes what was typed and gives the value that a request holds. */

/** How the reference introduces what is wrong with the settings of a workload (spec 01 §4.4, step 15). */
export const RUN_CONFIG = 'failed to validate run config';

export const Text = v.optional(v.string(), '');
export const Texts = v.optional(v.array(v.string()), []);
export const Switch = v.optional(v.boolean(), false);
export const Port = (problem: (port: number) => string) =>
  v.optional(
    v.pipe(
      v.number(),
      v.check(
        (port) => port >= 0 && port <= 65_535,
        ({ input }) => problem(input),
      ),
    ),
    0,
  );

export const Transport = v.optional(
  v.pipe(
    v.picklist(
      ['', 'sse', 'streamable-http', 'stdio', 'SSE', 'STREAMABLE-HTTP', 'STDIO'],
      ({ input }) =>
        `${RUN_CONFIG}: invalid transport mode: ${input}. Valid modes are: sse, streamable-http, stdio`,
    ),
    v.transform((text) => text.toLowerCase()),
    v.picklist(['', 'sse', 'streamable-http', 'stdio']),
  ),
  '',
);

export const ProxyMode = v.optional(
  v.pipe(
    v.string(),
    v.transform((text) => (text === '' ? 'sse' : text)),
    v.picklist(['sse', 'streamable-http'], ({ input }) => `invalid value for --proxy-mode: ${input}`),
  ),
  'sse',
);

export const Environment = list(parsed(parseVariable), (variables) => Object.fromEntries(variables));

export const Secrets = v.optional(v.array(parsed(parseSecretParameter)), []);

export const Labels = v.optional(
  v.pipe(
    v.array(v.string()),
    v.transform((texts): ParsedLabels => parseLabels(texts)),
  ),
  [],
);

export const Volumes = v.optional(v.array(parsed((text) => parseVolume(text), RUN_CONFIG)), []);
export const Published = v.optional(v.array(parsed(parsePublish, RUN_CONFIG)), []);

export const Headers = list(
  parsed(parseForwardHeader, 'failed to parse header forward flags'),
  headersByName,
);
export const HeaderSecrets = list(
  parsed(parseForwardHeaderSecret, 'failed to parse header secret flags'),
  headersByName,
);

/** Repeated, or separated by commas, or both (spec 01 §14-14). */
export const Tools = v.optional(
  v.pipe(
    v.array(v.string()),
    v.transform((given) => given.flatMap((names) => names.split(',')).map((name) => name.trim())),
    v.check((names) => !names.includes(''), `${RUN_CONFIG}: tool name cannot be empty`),
  ),
  [],
);

const RUN_OPTION = 'failed to apply run config option';
/** Sessions that end between two requests of one client are of no use (spec 04 §19.7). */
const LEAST_TTL_MS = 1000;

export const SessionTtl = v.optional(
  v.pipe(
    v.number(),
    v.check(
      (ms) => ms >= 0,
      ({ input }) => `${RUN_OPTION}: session-ttl must be non-negative, got ${formatDuration(input)}`,
    ),
    v.check(
      (ms) => ms <= 0 || ms >= LEAST_TTL_MS,
      ({ input }) => `${RUN_OPTION}: session-ttl must be at least 1s, got ${formatDuration(input)}`,
    ),
  ),
  0,
);

/** RFC 9728 §1.2: no fragment. */
export const ResourceUrl = v.optional(
  v.pipe(
    v.string(),
    v.check(
      (text) => text === '' || (/^https?:$/.test(URL.parse(text)?.protocol ?? '') && !text.includes('#')),
      ({ input }) =>
        `invalid value for --resource-url: ${input} (an http or https URL without fragment is needed)`,
    ),
  ),
  '',
);

export const EndpointPrefix = v.optional(
  v.pipe(
    v.string(),
    v.check(
      (prefix) => prefix === '' || prefix.startsWith('/'),
      ({ input }) => `endpoint-prefix must start with '/' when provided, got: ${input}`,
    ),
  ),
  '',
);

const { memory: StoredMemory, cpus: StoredCpus, pids: StoredPids } = ResourceLimitsSchema.entries;

export const Memory = limit('--memory', StoredMemory, (text) => text);
export const Cpus = amount('--cpus', StoredCpus, 'processors, such as 0.5 or 2');
export const Pids = amount('--pids', StoredPids, 'processes, such as 512');

/** A number, or `unlimited`, which is stored as 0. */
function amount(flag: string, schema: v.GenericSchema<number | undefined>, of: string) {
  return limit(flag, schema, (text) => {
    if (text === 'unlimited' || text === '-1') return 0;
    if (/^\d+(?:\.\d+)?$/.test(text)) return Number(text);
    throw new ThvError('ERR_INPUT_INVALID', {
      reason: `invalid value for ${flag}: ${JSON.stringify(text)}: give a number of ${of}, or unlimited`,
    });
  });
}

/** What is stored of a limit; `undefined` when it is not given. */
function limit<T>(flag: string, schema: v.GenericSchema<T | undefined>, read: (text: string) => T) {
  const parse = (given: string) => {
    const text = given.trim().toLowerCase();
    if (text === '') return undefined;
    const value = read(text);
    const [issue] = v.safeParse(schema, value).issues ?? [];
    if (issue === undefined) return value;
    throw new ThvError('ERR_INPUT_INVALID', { reason: `invalid value for ${flag}: ${issue.message}` });
  };
  return v.optional(parsed(parse), '');
}

/** All occurrences of a flag as one value. */
function list<Item, T>(item: v.GenericSchema<string, Item>, gather: (items: readonly Item[]) => T) {
  return v.optional(
    v.pipe(
      v.array(item),
      v.transform((items): T => gather(items)),
    ),
    [],
  );
}
