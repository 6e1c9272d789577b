import * as v from 'valibot';
import { stringify } from 'yaml';
import { ThvError, within } from '../errors/index.ts';
import { baseNameOf, formatRunConfig, parseWorkloadName, type RunConfig } from '../records/index.ts';
import type { Runtime } from '../runtimes/index.ts';
import { withoutPlainClientSecrets } from './client-secret.ts';
import type { Context } from './context.ts';
import type { Exported, ExportFormat } from './types.ts';

const MAX_RESOURCE_NAME = 253;
/** Names of variables and headers whose values a file that goes from hand to hand should not hold. */
const LOOKS_SECRET = /TOKEN|SECRET|KEY|PASSWORD|AUTHORIZATION|COOKIE/i;

/** A workload's document as a text to be kept elsewhere (spec 02 §2). Throws `ERR_RUN_CONFIG_NOT_FOUND`. */
export async function exportWorkload(
  { runConfigs, runtimes }: Pick<Context, 'runConfigs' | 'runtimes'>,
  name: string,
  format: ExportFormat,
): Promise<Exported> {
  const config = await within(`failed to load run configuration for workload '${name}'`, () =>
    runConfigs.get(parseWorkloadName(name)),
  );
  const plain = withoutPlainClientSecrets(config);
  return format === 'json'
    ? {
        text: formatRunConfig(plain.config),
        warnings: [...plainTextWarnings(config), ...plain.warnings],
      }
    : { text: kubernetesResource(config, runtimes.of(config)), warnings: kubernetesWarnings(config) };
}

function plainTextWarnings({ env_vars, header_forward }: RunConfig): readonly string[] {
  const secretLooking = (names: object) =>
    Object.keys(names)
      .filter((name) => LOOKS_SECRET.test(name))
      .sort()
      .join(', ');
  const variables = secretLooking(env_vars);
  const headers = secretLooking(header_forward?.add_plaintext_headers ?? {});
  return [
    ...(variables === ''
      ? []
      : [
          `Warning: The exported file holds these environment variables in plain text: ${variables}. Use --secret to keep their values out of it.`,
        ]),
    ...(headers === ''
      ? []
      : [
          `Warning: The exported file holds these headers in plain text: ${headers}. Use --remote-forward-headers-secret to keep their values out of it.`,
        ]),
  ];
}

const CedarConfig = v.looseObject({
  cedar: v.looseObject({
    policies: v.pipe(v.array(v.string()), v.minLength(1)),
    entities_json: v.optional(v.string()),
  }),
});

/** The operator's `MCPServer` resource (spec 02 §2). Throws `ERR_INPUT_INVALID` for workloads without an image. */
function kubernetesResource(config: RunConfig, { notForKubernetes: reason }: Runtime): string {
  if (reason !== undefined) throw new ThvError('ERR_INPUT_INVALID', { reason });
  const cedar = v.safeParse(CedarConfig, (config as Readonly<Record<string, unknown>>)['authz_config']);
  const resource = {
    apiVersion: 'toolhive.stacklok.dev/v1beta1',
    kind: 'MCPServer',
    metadata: { name: resourceName(baseNameOf(config)) },
    spec: {
      image: config.image,
      transport: config.transport,
      ...(config.cmd_args.length > 0 ? { args: config.cmd_args } : {}),
      ...(config.port > 0 ? { proxyPort: config.port } : {}),
      ...(config.target_port > 0 ? { mcpPort: config.target_port } : {}),
      ...(config.transport === 'stdio' ? { proxyMode: config.proxy_mode } : {}),
      ...(Object.keys(config.env_vars).length > 0 ? { env: environmentOf(config) } : {}),
      ...(config.volumes.length > 0 ? { volumes: config.volumes.map(volumeOf) } : {}),
      ...(config.permission_profile ? { permissionProfile: { type: 'builtin', name: 'none' } } : {}),
      ...(cedar.success ? { authzConfig: authorizationOf(cedar.output.cedar) } : {}),
      ...('audit_config' in config ? { audit: { enabled: true } } : {}),
    },
  };
  return stringify(resource, { lineWidth: 0 });
}

function environmentOf({ env_vars }: RunConfig) {
  return Object.keys(env_vars)
    .sort()
    .map((name) => ({ name, value: env_vars[name] }));
}

/** `host:container[:ro]`; a drive letter belongs to the host's side. */
function volumeOf(volume: string, index: number) {
  const readOnly = volume.endsWith(':ro');
  const mount = readOnly ? volume.slice(0, -3) : volume;
  const colon = mount.lastIndexOf(':');
  return {
    name: `volume-${index}`,
    hostPath: colon === -1 ? mount : mount.slice(0, colon),
    mountPath: mount.slice(colon + 1),
    readOnly,
  };
}

function authorizationOf(cedar: v.InferOutput<typeof CedarConfig>['cedar']) {
  return {
    type: 'inline',
    inline: {
      policies: cedar.policies,
      ...(cedar.entities_json ? { entitiesJson: cedar.entities_json } : {}),
    },
  };
}

function resourceName(baseName: string): string {
  const trimmed = (text: string) => text.replace(/^-+|-+$/g, '');
  return trimmed(trimmed(baseName.toLowerCase().replace(/[^a-z0-9-]/g, '-')).slice(0, MAX_RESOURCE_NAME));
}

function kubernetesWarnings(config: RunConfig): readonly string[] {
  const profile = config.permission_profile?.name;
  return [
    ...(config.secrets.length > 0
      ? [
          'Warning: This server uses secrets that cannot be exported to Kubernetes manifests.',
          'You will need to create Kubernetes secrets separately before applying this manifest.',
          `Secrets used: [${config.secrets.join(' ')}]`,
        ]
      : []),
    ...('telemetry_config' in config
      ? [
          'Warning: Telemetry configuration detected but not exported.',
          'Create an MCPTelemetryConfig resource and add a telemetryConfigRef to the exported MCPServer.',
        ]
      : []),
    ...('oidc_config' in config
      ? [
          'Warning: OIDC configuration detected but not exported.',
          'Create an MCPOIDCConfig resource and add an oidcConfigRef to the exported MCPServer.',
        ]
      : []),
    ...(profile === 'none'
      ? []
      : [
          'Warning: The permission profile is exported as the built-in "none"; change permissionProfile to what the server needs.',
        ]),
    ...plainTextWarnings(config),
  ];
}
