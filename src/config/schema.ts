import * as v from 'valibot';
import { ThvError } from '../errors/index.ts';
import { parseDuration } from '../platform/index.ts';

/**
 * `config.yaml` (spec 09 §2.1) in the file's own spelling. Absent keys are `undefined` unless the file always has them.
 * Keys that are not listed stay in the file untouched and are not seen by the program.
 */

const Text = v.nullish(v.string(), '');
const Texts = v.nullish(v.array(v.string()), () => []);
const Switch = v.nullish(v.boolean(), false);
const TextMap = v.nullish(v.record(v.string(), v.string()));
/** Set, not set, or left to the default of the command that reads it. */
const Tristate = v.nullish(v.boolean());

/** Go's notation: `30s`, `1m30s`. */
const Duration = v.pipe(
  v.string(),
  v.check(
    (text) => 'ms' in parseDuration(text),
    ({ input }) => `invalid duration ${JSON.stringify(input)}`,
  ),
);

/** How long something may take. */
const TimeLimit = v.pipe(
  Duration,
  v.check((text) => {
    const parsed = parseDuration(text);
    return !('ms' in parsed) || parsed.ms > 0;
  }, 'must be longer than 0s'),
);

const RuntimeConfigSchema = v.looseObject({
  builder_image: v.nullish(v.string()),
  /** Ours: base of the image that runs a Go server, where the built-in one cannot be had. */
  final_image: v.nullish(v.string()),
  additional_packages: v.nullish(v.array(v.string())),
  build_with: v.nullish(v.array(v.string())),
  runtime_env: TextMap,
});
/** How images of one package scheme are built (spec 03 §13.6). */
export type RuntimeConfig = v.InferOutput<typeof RuntimeConfigSchema>;

const ApplicationConfigSchema = v.looseObject({
  secrets: v.pipe(
    v.nullish(v.looseObject({ provider_type: Text, setup_completed: Switch }), () => ({})),
    v.transform(({ provider_type = '', setup_completed = false, ...rest }) => ({
      ...rest,
      provider_type,
      setup_completed,
    })),
  ),
  clients: v.pipe(
    v.nullish(v.looseObject({ registered_clients: Texts }), () => ({})),
    v.transform(({ registered_clients = [], ...rest }) => ({ ...rest, registered_clients })),
  ),
  registry_url: Text,
  registry_api_url: Text,
  local_registry_path: Text,
  allow_private_registry_ip: Switch,
  ca_certificate_path: v.nullish(v.string()),
  otel: v.nullish(
    v.looseObject({
      endpoint: v.nullish(v.string()),
      'sampling-rate': v.nullish(v.number()),
      'env-vars': v.nullish(v.array(v.string())),
      'metrics-enabled': Tristate,
      'tracing-enabled': Tristate,
      'use-legacy-attributes': Tristate,
      insecure: v.nullish(v.boolean()),
      'enable-prometheus-metrics-path': v.nullish(v.boolean()),
    }),
  ),
  secret_scope_migration: v.nullish(v.boolean()),
  disable_usage_metrics: v.nullish(v.boolean()),
  build_env: TextMap,
  build_env_from_secrets: TextMap,
  build_env_from_shell: v.nullish(v.array(v.string())),
  build_auth_files: TextMap,
  runtime_configs: v.nullish(v.record(v.string(), RuntimeConfigSchema)),
  registry_auth: v.nullish(
    v.looseObject({
      type: v.nullish(v.string()),
      oauth: v.nullish(
        v.looseObject({
          issuer: v.nullish(v.string()),
          client_id: v.nullish(v.string()),
          scopes: v.nullish(v.array(v.string())),
          audience: v.nullish(v.string()),
          callback_port: v.nullish(v.number()),
          cached_refresh_token_ref: v.nullish(v.string()),
          cached_token_expiry: v.nullish(v.string()),
        }),
      ),
    }),
  ),
  /** Ours: what runs npm packages that are processes. */
  js_runtime: v.nullish(v.picklist(['auto', 'node', 'bun'])),
  /** Ours: public keys in PEM, by the images that they sign. */
  image_keys: v.nullish(v.record(v.string(), v.array(v.string()))),
  workload_host: v.nullish(v.picklist(['shared', 'dedicated'])),
  secrets_exec: v.nullish(
    v.looseObject({ command: v.nullish(v.array(v.string())), timeout: v.nullish(TimeLimit) }),
  ),
  update_check_url: v.nullish(v.string()),
  usage_metrics_url: v.nullish(v.string()),
});

export type ApplicationConfig = v.InferOutput<typeof ApplicationConfigSchema>;

/** What a decoded file holds, defaults filled in. Throws `ERR_CONFIG_INVALID` naming every key that is wrong. */
export function checkApplicationConfig(raw: unknown, path: string): ApplicationConfig {
  const result = v.safeParse(ApplicationConfigSchema, raw ?? {});
  if (result.success) return result.output;
  const problems = result.issues.map((issue) => `${v.getDotPath(issue) ?? 'document'}: ${issue.message}`);
  throw new ThvError('ERR_CONFIG_INVALID', {
    path,
    reason: `invalid configuration in ${path}: ${problems.join('; ')}`,
  });
}
