import { isDeepStrictEqual } from 'node:util';
import { ThvError } from '../errors/index.ts';
import type { RunConfig } from '../records/index.ts';
import { networkProfile } from '../sandbox/index.ts';
import type { RuntimeOverride } from './runtime-override.ts';
import type { RunRequest } from './types.ts';

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
  | 'remote server'
  /** The same from a registry, which may declare variables for it. */
  | 'remote entry';

/** A flag that means nothing for some servers. Flags that are not listed apply to all. */
interface Rule {
  readonly flag: string;
  /** Its member of a request to the API. */
  readonly field?: string;
  /** Whether it was given; `present` is what an edit changes, which may be sent back as it is. */
  readonly isGiven: (request: RunRequest, present: RunConfig | undefined) => boolean;
  readonly targets: readonly Target[];
}

const IMAGES: readonly Target[] = ['image', 'built image'];
const NODE: readonly Target[] = ['npx process', 'node folder process'];
const PROCESSES: readonly Target[] = [...NODE, 'uvx process', 'go process', 'folder process'];
const OWN: readonly Target[] = [...IMAGES, ...PROCESSES];
const REMOTE: readonly Target[] = ['remote server', 'remote entry'];

/** Part of every document, and so of what the API is sent back. */
const OURS = /^(?:MCP_TRANSPORT|MCP_PORT|FASTMCP_PORT)=/;
const LOOPBACK = '127.0.0.1';

const RULES: readonly Rule[] = [
  { flag: '-- ARGS', field: 'cmd_arguments', isGiven: (r) => r.serverArguments.length > 0, targets: OWN },
  {
    flag: '--env',
    field: 'env_vars',
    isGiven: (r) => r.environment.some((entry) => !OURS.test(entry)),
    targets: [...OWN, 'remote entry'],
  },
  { flag: '--env-file', isGiven: (r) => r.environmentFile !== undefined, targets: OWN },
  { flag: '--env-file-dir', isGiven: (r) => r.environmentFolder !== undefined, targets: OWN },
  { flag: '--secret', field: 'secrets', isGiven: (r) => r.secrets.length > 0, targets: OWN },
  { flag: '--volume', field: 'volumes', isGiven: (r) => r.volumes.length > 0, targets: OWN },
  { flag: '--ignore-globally', isGiven: (r) => r.ignore?.loadGlobal === false, targets: OWN },
  { flag: '--print-resolved-overlays', isGiven: (r) => r.ignore?.printOverlays === true, targets: OWN },
  {
    flag: '--permission-profile',
    field: 'permission_profile',
    isGiven: ({ permissionProfile, permissions }, present) =>
      permissionProfile !== undefined ||
      asksFor(permissions, [networkProfile(), present?.permission_profile]),
    targets: OWN,
  },
  { flag: '--network', isGiven: (r) => r.networkMode !== '', targets: OWN },
  {
    flag: '--target-port',
    field: 'target_port',
    isGiven: ({ targetPort }, present) => targetPort !== 0 && targetPort !== present?.target_port,
    targets: OWN,
  },
  { flag: '--target-host', isGiven: (r) => r.targetHost !== LOOPBACK, targets: OWN },
  {
    flag: '--memory',
    field: 'resource_limits',
    isGiven: (r) => isSet(r.resourceLimits?.memory),
    targets: OWN,
  },
  { flag: '--cpus', field: 'resource_limits', isGiven: (r) => isSet(r.resourceLimits?.cpus), targets: OWN },
  { flag: '--pids', field: 'resource_limits', isGiven: (r) => isSet(r.resourceLimits?.pids), targets: OWN },
  {
    // A remote server is proxied in its own transport.
    flag: '--proxy-mode',
    field: 'proxy_mode',
    isGiven: ({ proxyMode, transport }) => proxyMode === 'streamable-http' && transport === 'sse',
    targets: OWN,
  },
  { flag: '--publish', isGiven: (r) => r.publish.length > 0, targets: IMAGES },
  {
    flag: '--remote-forward-headers',
    field: 'header_forward',
    isGiven: (r) => (r.forwardHeaders ?? []).length > 0,
    targets: REMOTE,
  },
  {
    flag: '--remote-forward-headers-secret',
    field: 'header_forward',
    isGiven: (r) => (r.forwardHeaderSecrets ?? []).length > 0,
    targets: REMOTE,
  },
  { flag: '--ca-cert', isGiven: (r) => r.caCertificate !== undefined, targets: ['built image'] },
  buildRule('--runtime-image', 'builder_image', ['built image']),
  buildRule('--runtime-add-package', 'additional_packages', ['built image']),
  buildRule('--build-with', 'build_with', ['built image', 'uvx process']),
  {
    flag: 'runtime_env',
    field: 'runtime_config.runtime_env',
    isGiven: isBuildGiven('runtime_env'),
    targets: ['built image'],
  },
  {
    flag: '--runtime',
    field: 'runtime',
    isGiven: ({ runtime = 'auto' }) => runtime !== 'auto',
    targets: OWN,
  },
  {
    flag: '--js-runtime',
    field: 'js_runtime',
    isGiven: ({ jsRuntime = 'auto' }, present) => jsRuntime !== 'auto' && jsRuntime !== present?.js_runtime,
    targets: NODE,
  },
  {
    flag: '--allow-install-scripts',
    isGiven: ({ allowInstallScripts = false }) => allowInstallScripts,
    targets: PROCESSES,
  },
  { flag: '--no-sandbox', isGiven: ({ noSandbox = false }) => noSandbox, targets: PROCESSES },
];

function buildRule(flag: string, key: keyof RuntimeOverride & string, targets: readonly Target[]): Rule {
  return { flag, field: `runtime_config.${key}`, isGiven: isBuildGiven(key), targets };
}

function isBuildGiven(key: keyof RuntimeOverride & string): Rule['isGiven'] {
  return ({ runtimeOverride: given }, present) =>
    asksFor(given?.[key], [undefined, present?.runtime_config?.[key]]);
}

function isSet(value: unknown): boolean {
  return value !== undefined;
}

function asksFor(value: unknown, harmless: readonly unknown[]): boolean {
  return value !== undefined && !harmless.some((other) => isDeepStrictEqual(value, other));
}

/** Throws `ERR_INPUT_INVALID` naming all flags that apply to none of these, the ones that the server may turn out to be. */
export function requireApplicable(
  request: RunRequest,
  candidates: readonly Target[],
  present?: RunConfig,
): void {
  const foreign = RULES.filter(
    ({ isGiven, targets }) =>
      !candidates.some((target) => targets.includes(target)) && isGiven(request, present),
  );
  const [target] = candidates;
  if (foreign.length === 0 || target === undefined) return;
  const flags = foreign.map(({ flag }) => flag);
  const verb = flags.length === 1 ? 'does' : 'do';
  throw new ThvError(
    'ERR_INPUT_INVALID',
    { reason: `${flags.join(', ')} ${verb} not apply to ${nounOf(target, candidates, foreign)}` },
    { hint: hintFor(foreign, candidates) },
  );
}

/** Anything but a remote server: said before it is known what runs it. */
export const ANY_OWN: readonly Target[] = OWN;

function nounOf(target: Target, candidates: readonly Target[], foreign: readonly Rule[]): string {
  if (REMOTE.includes(target)) return 'remote servers, for which nothing is run here';
  if (candidates.length > 1) return 'servers that are run here';
  const appliesToNone = foreign.every(({ targets }) => !targets.some((each) => PROCESSES.includes(each)));
  if (appliesToNone && PROCESSES.includes(target)) return 'processes';
  switch (target) {
    case 'image':
      return 'containers of an image that is not built here';
    case 'built image':
      return 'containers';
    case 'uvx process':
      return 'processes of uvx:// packages';
    case 'go process':
      return 'processes of go:// packages';
    case 'folder process':
    case 'node folder process':
      return 'processes of local folders';
    default:
      return 'processes of npx:// packages';
  }
}

function hintFor(foreign: readonly Rule[], candidates: readonly Target[]): string {
  const isContainer = candidates.every((target) => IMAGES.includes(target));
  if (isContainer && candidates[0] === 'built image')
    return 'add --runtime process to run the package as a process';
  const names = foreign.map(({ flag, field }) =>
    field === undefined || field === flag ? flag : `${flag} (${field})`,
  );
  // Elsewhere `--build-with` is for uvx:// packages only as well.
  const isForBuilds = foreign.every(
    ({ flag, targets }) => targets.includes('built image') && flag !== '--build-with',
  );
  const otherwise =
    isForBuilds && candidates.every((target) => PROCESSES.includes(target))
      ? ', or add --runtime docker to run it in a container'
      : '';
  return `leave out ${names.join(' and ')}${otherwise}`;
}
