import { isDeepStrictEqual } from 'node:util';
import { networkPolicyOf, type PermissionProfile, type RunConfig } from '../records/index.ts';
import { networkProfile } from '../sandbox/index.ts';
import type { GivenRun } from './run-request.ts';
import type { RuntimeOverride } from './runtime-override.ts';

/** What a server is, as far as flags apply to it or not. */
export type Target =
  /** A container of an image that is there, or is pulled. */
  | 'image'
  /** A container of an image that is built for a package or a folder. */
  | 'built image'
  | 'npx process'
  | 'uvx process'
  | 'go process'
  | 'node folder process'
  | 'folder process'
  | 'remote server';

export const IMAGES: readonly Target[] = ['image', 'built image'];
const NODE: readonly Target[] = ['npx process', 'node folder process'];
export const PROCESSES: readonly Target[] = [...NODE, 'uvx process', 'go process', 'folder process'];
export const OWN: readonly Target[] = [...IMAGES, ...PROCESSES];
export const REMOTE: readonly Target[] = ['remote server'];

/** What a request asks for, whatever its server turns out to be. */
export type Asked = Pick<GivenRun, 'server' | 'remote' | 'transport' | 'proxy'>;

/** A flag that means nothing for some servers. Flags that are not listed apply to all. */
export interface Rule {
  readonly flag: string;
  /** Its member of a request to the API. */
  readonly field?: string;
  /** Its key in a document. */
  readonly key?: string;
  /** Whether it was given; `present` is what an edit changes, which may be sent back as it is. */
  readonly isGiven: (asked: Asked, present: RunConfig | undefined) => boolean;
  /** Whether a document asks for it; absent where documents do not say it, or always hold a value of ours. */
  readonly isIn?: (config: RunConfig) => boolean;
  readonly targets: readonly Target[];
  /** Means nothing without a sandbox, or for a server that has no port. */
  readonly needs?: 'sandbox' | 'port';
}

/** Part of every document, and so of what the API is sent back. */
const OURS: ReadonlySet<string> = new Set(['MCP_TRANSPORT', 'MCP_PORT', 'FASTMCP_PORT']);
const LOOPBACK = '127.0.0.1';

export const RULES: readonly Rule[] = [
  {
    flag: '-- ARGS',
    field: 'cmd_arguments',
    key: 'cmd_args',
    isGiven: ({ server }) => server.arguments.length > 0,
    isIn: (config) => config.cmd_args.length > 0,
    targets: OWN,
  },
  {
    flag: '--env',
    field: 'env_vars',
    key: 'env_vars',
    isGiven: ({ server }) => hasOwnVariables(server.environment),
    isIn: (config) => hasOwnVariables(config.env_vars),
    targets: OWN,
  },
  { flag: '--env-file', isGiven: ({ server }) => server.environmentFile !== undefined, targets: OWN },
  { flag: '--env-file-dir', isGiven: ({ server }) => server.environmentFolder !== undefined, targets: OWN },
  {
    flag: '--secret',
    field: 'secrets',
    key: 'secrets',
    isGiven: ({ server }) => server.secrets.length > 0,
    isIn: (config) => config.secrets.length > 0,
    targets: OWN,
  },
  {
    flag: '--volume',
    field: 'volumes',
    key: 'volumes',
    isGiven: ({ server }, present) =>
      asksFor(
        server.volumes.map(({ text }) => text),
        [[], present?.volumes],
      ),
    isIn: (config) => config.volumes.length > 0,
    targets: OWN,
    needs: 'sandbox',
  },
  {
    flag: '--ignore-globally',
    key: 'ignore_config.LoadGlobal',
    isGiven: ({ server }) => server.ignore?.loadGlobal === false,
    isIn: (config) => config.ignore_config?.LoadGlobal === false,
    targets: OWN,
    needs: 'sandbox',
  },
  {
    flag: '--print-resolved-overlays',
    key: 'ignore_config.PrintOverlays',
    isGiven: ({ server }) => server.ignore?.printOverlays === true,
    isIn: (config) => config.ignore_config?.PrintOverlays === true,
    targets: OWN,
    needs: 'sandbox',
  },
  {
    flag: '--permission-profile',
    field: 'permission_profile',
    key: 'permission_profile',
    isGiven: ({ server: { permissions } }, present) =>
      permissions?.kind === 'named' ||
      asksFor(permissions?.profile, [undefined, networkProfile(), present?.permission_profile]),
    isIn: (config) => restricts(config.permission_profile),
    targets: OWN,
    needs: 'sandbox',
  },
  { flag: '--network', isGiven: ({ server }) => server.networkMode !== '', targets: OWN, needs: 'sandbox' },
  {
    flag: '--isolate-network',
    key: 'isolate_network',
    isGiven: ({ server }) => server.isolation === 'required',
    // A remote server runs in no network of ours, so nothing is left to isolate.
    isIn: (config) => config.isolate_network && config.remote_url === undefined,
    targets: OWN,
    needs: 'sandbox',
  },
  {
    flag: '--allow-docker-gateway',
    field: 'allow_docker_gateway',
    key: 'allow_docker_gateway',
    isGiven: ({ server }, present) => server.allowDockerGateway && present?.allow_docker_gateway !== true,
    isIn: (config) => config.allow_docker_gateway === true,
    targets: IMAGES,
  },
  {
    flag: '--target-port',
    field: 'target_port',
    isGiven: ({ server: { targetPort } }, present) => targetPort !== 0 && targetPort !== present?.target_port,
    targets: OWN,
    needs: 'port',
  },
  {
    flag: '--target-host',
    isGiven: ({ server }) => server.targetHost !== LOOPBACK,
    targets: OWN,
    needs: 'port',
  },
  limitRule('memory'),
  limitRule('cpus'),
  limitRule('pids'),
  {
    // A remote server is proxied in its own transport.
    flag: '--proxy-mode',
    field: 'proxy_mode',
    isGiven: ({ proxy, transport }) => proxy.mode === 'streamable-http' && transport === 'sse',
    targets: OWN,
  },
  {
    flag: '--publish',
    key: 'publish',
    isGiven: ({ server }) => server.publish.length > 0,
    isIn: (config) => config.publish.length > 0,
    targets: IMAGES,
  },
  {
    flag: '--remote-forward-headers',
    field: 'header_forward',
    key: 'header_forward.add_plaintext_headers',
    isGiven: ({ remote }) => hasAny(remote.headers),
    isIn: (config) => hasAny(config.header_forward?.add_plaintext_headers),
    targets: REMOTE,
  },
  {
    flag: '--remote-forward-headers-secret',
    field: 'header_forward',
    key: 'header_forward.add_headers_from_secret',
    isGiven: ({ remote }) => hasAny(remote.headerSecrets),
    isIn: (config) => hasAny(config.header_forward?.add_headers_from_secret),
    targets: REMOTE,
  },
  {
    flag: '--forward-authorization',
    key: 'forward_authorization',
    isGiven: ({ proxy }) => proxy.callers.forwardAuthorization,
    isIn: (config) => config.forward_authorization === true,
    targets: REMOTE,
  },
  {
    // A stdio server is sent no headers.
    flag: '--token-exchange-url',
    key: 'token_exchange_config',
    isGiven: ({ proxy }) => proxy.tokenExchange !== undefined,
    isIn: (config) => hasAny(config.token_exchange_config),
    targets: [...OWN, ...REMOTE],
    needs: 'port',
  },
  {
    flag: '--ca-cert',
    isGiven: ({ server }) => server.caCertificate !== undefined,
    targets: ['built image'],
  },
  {
    flag: '--image-verification',
    key: 'image_verification',
    isGiven: ({ server: { imageVerification = 'warn' } }) => imageVerification !== 'warn',
    isIn: ({ image_verification = 'warn' }) => image_verification !== 'warn',
    targets: IMAGES,
  },
  buildRule('--runtime-image', 'builder_image', ['built image']),
  buildRule('--runtime-add-package', 'additional_packages', ['built image']),
  buildRule('--build-with', 'build_with', ['built image', 'uvx process']),
  buildRule('runtime_env', 'runtime_env', ['built image']),
  {
    flag: '--runtime',
    field: 'runtime',
    key: 'runtime',
    isGiven: ({ server: { runtime = 'auto' } }) => runtime !== 'auto',
    isIn: (config) => config.runtime !== undefined,
    targets: OWN,
  },
  {
    flag: '--js-runtime',
    field: 'js_runtime',
    key: 'js_runtime',
    isGiven: ({ server: { jsRuntime = 'auto' } }, present) =>
      jsRuntime !== 'auto' && jsRuntime !== present?.js_runtime,
    isIn: (config) => config.js_runtime !== undefined,
    targets: NODE,
  },
  {
    flag: '--allow-install-scripts',
    key: 'allow_install_scripts',
    isGiven: ({ server }) => server.allowInstallScripts,
    isIn: (config) => config.allow_install_scripts === true,
    targets: PROCESSES,
  },
  {
    flag: '--learn-permissions',
    key: 'learn_permissions',
    isGiven: ({ server }) => server.learnedPermissionsFile !== undefined,
    isIn: (config) => config.learn_permissions !== undefined,
    targets: OWN,
    needs: 'sandbox',
  },
  {
    flag: '--no-sandbox',
    key: 'no_sandbox',
    isGiven: ({ server }) => server.noSandbox,
    isIn: (config) => config.no_sandbox === true,
    targets: PROCESSES,
  },
];

function limitRule(limit: 'memory' | 'cpus' | 'pids'): Rule {
  return {
    flag: `--${limit}`,
    field: 'resource_limits',
    key: `resource_limits.${limit}`,
    isGiven: ({ server }) => server.limits?.[limit] !== undefined,
    isIn: (config) => config.resource_limits?.[limit] !== undefined,
    targets: OWN,
  };
}

function buildRule(flag: string, key: keyof RuntimeOverride & string, targets: readonly Target[]): Rule {
  const path = `runtime_config.${key}`;
  return {
    flag,
    field: path,
    key: path,
    isGiven: ({ server }, present) =>
      asksFor(server.runtimeOverride?.[key], [undefined, present?.runtime_config?.[key]]),
    isIn: (config) => hasAny(config.runtime_config?.[key] as object | string | null | undefined),
    targets,
  };
}

function asksFor(value: unknown, harmless: readonly unknown[]): boolean {
  return !harmless.some((other) => isDeepStrictEqual(value, other));
}

function hasOwnVariables(environment: Readonly<Record<string, string>>): boolean {
  return Object.keys(environment).some((name) => !OURS.has(name));
}

function hasAny(value: object | string | null | undefined): boolean {
  return value !== undefined && value !== null && Object.keys(value).length > 0;
}

/** Whether a profile asks for anything else than what every server has that nothing was said about. */
function restricts(profile: PermissionProfile | null | undefined): boolean {
  if (profile === undefined || profile === null) return false;
  const { read, write, privileged } = profile;
  const { connection, outbound } = networkPolicyOf(profile);
  return (
    outbound.type !== 'everything' ||
    connection !== 'bridge' ||
    hasAny(read) ||
    hasAny(write) ||
    privileged === true
  );
}
