/**
 * The closed list of error codes: for each, who is at fault, the HTTP status it becomes, and the sentence made from its facts.
 * A code once released never changes its meaning. Texts that a spec chapter quotes stand here to the letter.
 */

/** Who has to act: the user (4xx, no stack), the world around us (engine, network), or we (500, stack in the log). */
type Blame = 'user' | 'world' | 'ours';

interface CatalogEntry<Facts> {
  readonly blame: Blame;
  readonly status: number;
  readonly message: (facts: Facts) => string;
}

function entry<Facts>(blame: Blame, status: number, message: (facts: Facts) => string): CatalogEntry<Facts> {
  return { blame, status, message };
}

type Reason = { readonly reason: string };

export const CATALOG = {
  // Command line (spec 01 §1)
  ERR_USAGE: entry('user', 400, ({ reason }: Reason) => reason),
  ERR_FLAG_INVALID: entry('user', 400, ({ reason }: Reason & { readonly flag: string }) => reason),
  ERR_INPUT_INVALID: entry('user', 400, ({ reason }: Reason) => reason),
  ERR_DESKTOP_CONFLICT: entry(
    'user',
    409,
    (facts: {
      readonly executable: string;
      readonly managed: string;
      readonly folder: string;
      readonly desktopVersion: string | undefined;
    }) =>
      [
        'CLI conflict detected',
        '',
        'ToolHive Desktop manages its own copy of this program, and another one was started.',
        `  Managed by ToolHive Desktop: ${facts.managed}`,
        `  Started:                     ${facts.executable}`,
        '',
        `Put ${facts.folder} first on your PATH, or uninstall one of the two.`,
        ...(facts.desktopVersion === undefined ? [] : [`Desktop version: ${facts.desktopVersion}`]),
      ].join('\n'),
  ),
  ERR_FILE_UNWRITABLE: entry('user', 400, ({ reason }: Reason & { readonly path: string }) => reason),
  ERR_FILE_UNREADABLE: entry('user', 400, ({ reason }: Reason & { readonly path: string }) => reason),

  // Application configuration (spec 09 §2)
  ERR_CONFIG_INVALID: entry('user', 400, ({ reason }: Reason & { readonly path: string }) => reason),
  ERR_UPDATE_CHECK: entry('world', 502, ({ reason }: Reason) => reason),

  // Secrets (spec 09 §5)
  ERR_SECRET_NOT_FOUND: entry(
    'user',
    404,
    ({ secret }: { readonly secret: string }) => `secret not found: ${secret}`,
  ),
  ERR_SECRET_NAME_INVALID: entry('user', 400, ({ reason }: Reason & { readonly secret: string }) => reason),
  ERR_SECRET_NAME_RESERVED: entry(
    'user',
    400,
    (facts: { readonly secret: string; readonly operation: 'get' | 'set' | 'delete' }) =>
      `secret name is reserved for system use and cannot be managed via user commands: cannot ${facts.operation} ${JSON.stringify(facts.secret)}`,
  ),
  ERR_SECRET_PARAMETER_INVALID: entry(
    'user',
    400,
    ({ parameter }: { readonly parameter: string }) => `invalid secret parameter format: ${parameter}`,
  ),
  /** `provider` is there when the environment named it, which the one without stored values alone may do before setup. */
  ERR_SECRETS_NOT_SET_UP: entry('user', 404, ({ provider }: { readonly provider?: string }) =>
    provider === undefined
      ? "secrets provider not configured. Please run 'thv secret setup' to configure a secrets provider first"
      : `provider "${provider}" requires setup to be completed. Only 'environment' provider can be used without setup. Please run 'thv secret setup' or use TOOLHIVE_SECRETS_PROVIDER=environment`,
  ),
  ERR_SECRETS_PROVIDER_INVALID: entry(
    'user',
    400,
    (facts: { readonly provider: string; readonly valid: readonly string[] }) =>
      `invalid secrets provider type: ${facts.provider} (valid types: ${facts.valid.join(', ')})`,
  ),
  ERR_SECRETS_UNSUPPORTED: entry(
    'user',
    405,
    (facts: { readonly provider: string; readonly operation: 'setting' | 'deleting' | 'listing' }) => {
      if (facts.operation !== 'setting')
        return `the ${facts.provider} secrets provider does not support ${facts.operation} secrets`;
      return facts.provider === 'none'
        ? "none provider doesn't support storing secrets"
        : `the ${facts.provider} secrets provider does not support setting secrets (read-only)`;
    },
  ),
  ERR_SECRETS_PASSWORD: entry('user', 400, ({ reason }: Reason) => reason),
  ERR_KEYRING_UNAVAILABLE: entry('user', 400, ({ reason }: Reason) => reason),
  ERR_SECRETS_FILE_INVALID: entry('world', 500, ({ reason }: Reason & { readonly path: string }) => reason),
  /** What stands behind a provider (a password manager, a keyring) refused or failed. */
  ERR_SECRETS_PROVIDER_FAILED: entry(
    'world',
    502,
    ({ reason }: Reason & { readonly provider: string }) => reason,
  ),

  // Workloads (spec 02)
  ERR_WORKLOAD_NAME_INVALID: entry(
    'user',
    400,
    ({ workload, reason }: Reason & { readonly workload: string }) =>
      `invalid workload name '${workload}': ${reason}`,
  ),
  ERR_WORKLOAD_NOT_FOUND: entry(
    'user',
    404,
    ({ workload }: { readonly workload: string }) => `workload not found: ${workload}`,
  ),
  ERR_WORKLOAD_EXISTS: entry(
    'user',
    409,
    ({ workload }: { readonly workload: string }) => `workload with name '${workload}' already exists`,
  ),
  ERR_WORKLOAD_START_FAILED: entry(
    'world',
    502,
    ({ workload, reason }: Reason & { readonly workload: string }) =>
      `workload '${workload}' did not start: ${reason}`,
  ),
  /** Some of several workloads; the reason tells which and why. */
  ERR_WORKLOADS_FAILED: entry('world', 502, ({ reason }: Reason) => reason),
  ERR_GROUP_NOT_FOUND: entry(
    'user',
    404,
    ({ group }: { readonly group: string }) => `group '${group}' does not exist`,
  ),
  ERR_GROUP_EXISTS: entry(
    'user',
    409,
    ({ group }: { readonly group: string }) => `group already exists: ${group}`,
  ),
  ERR_GROUP_NAME_INVALID: entry(
    'user',
    400,
    ({ reason }: Reason & { readonly group: string }) => `invalid group name: ${reason}`,
  ),
  ERR_GROUP_PROTECTED: entry(
    'user',
    400,
    (_: { readonly group: string }) => 'cannot delete the default group',
  ),
  ERR_GROUP_FILE_INVALID: entry('world', 500, ({ reason }: Reason & { readonly path: string }) => reason),
  ERR_WORKLOAD_IN_OTHER_GROUP: entry(
    'user',
    409,
    ({ workload, group }: { readonly workload: string; readonly group: string }) =>
      `workload '${workload}' is already in group '${group}'`,
  ),
  ERR_RUN_CONFIG_NOT_FOUND: entry(
    'user',
    404,
    ({ workload }: { readonly workload: string }) => `run config not found: ${workload}`,
  ),
  ERR_RUN_CONFIG_INVALID: entry('user', 400, ({ reason }: Reason) => reason),
  ERR_PROFILE_INVALID: entry('user', 400, ({ reason }: Reason) => reason),
  ERR_OVERLAY_FAILED: entry(
    'world',
    500,
    ({ path, reason }: Reason & { readonly path: string }) =>
      `failed to hide what an ignore file names in ${path}: ${reason}`,
  ),
  ERR_STATUS_FILE_INVALID: entry('world', 500, ({ reason }: Reason & { readonly path: string }) => reason),
  /** What a command did stands; only the record of it is missing. */
  ERR_NOT_RECORDED: entry(
    'world',
    507,
    ({ workload, done, reason }: Reason & { readonly workload: string; readonly done: string }) =>
      `workload '${workload}' was ${done}, but that could not be recorded: ${reason}`,
  ),
  /** It is gone as a workload; these files are still there. */
  ERR_LEFT_BEHIND: entry(
    'world',
    507,
    ({ workload, left }: { readonly workload: string; readonly left: readonly string[] }) =>
      `workload '${workload}' was removed, but left behind: ${left.join('; ')}`,
  ),
  ERR_LOCK_TIMEOUT: entry('world', 503, ({ reason }: Reason & { readonly path: string }) => reason),
  ERR_PORT_UNAVAILABLE: entry(
    'user',
    400,
    ({ port }: { readonly port: number }) => `requested proxy port ${port} is not available`,
  ),
  ERR_NO_FREE_PORT: entry('world', 503, (_: object) => 'could not find an available port'),
  ERR_LOGS_NOT_FOUND: entry(
    'user',
    404,
    ({ workload }: { readonly workload: string }) =>
      `container logs for workload ${workload} not found, use --proxy to get proxy logs`,
  ),

  // MCP clients (spec 09 §6)
  ERR_CLIENT_INVALID: entry(
    'user',
    400,
    ({ client, valid }: { readonly client: string; readonly valid: readonly string[] }) =>
      `invalid client type: ${client} (valid types: ${valid.join(', ')})`,
  ),
  ERR_CLIENT_SETTINGS_INVALID: entry('user', 400, ({ reason }: Reason & { readonly path: string }) => reason),
  ERR_CLIENT_SETTINGS_READ_ONLY: entry(
    'user',
    409,
    ({ path }: { readonly path: string }) => `${path} is read-only`,
  ),

  // Container engine (spec 03)
  ERR_ENGINE_UNAVAILABLE: entry('world', 503, ({ reason }: Reason) => reason),
  ERR_ENGINE_REQUEST: entry('world', 502, ({ reason }: Reason & { readonly status?: number }) => reason),
  ERR_CONTAINER_NOT_FOUND: entry(
    'world',
    404,
    ({ container }: { readonly container: string }) => `container not found (container: ${container})`,
  ),
  ERR_CONTAINER_NOT_RUNNING: entry(
    'world',
    400,
    ({ reason }: Reason & { readonly container: string }) => reason,
  ),
  ERR_CONTAINER_EXITED: entry('world', 400, ({ reason }: Reason & { readonly container: string }) => reason),
  ERR_ATTACH_FAILED: entry('world', 502, ({ reason }: Reason & { readonly container: string }) => reason),
  ERR_IMAGE_NOT_FOUND: entry(
    'user',
    404,
    ({ image, reason }: { readonly image: string; readonly reason?: string }) =>
      `image not found in registry, please check the image name or tag: ${image}${reason === undefined ? '' : `: ${reason}`}`,
  ),
  ERR_IMAGE_REFERENCE_INVALID: entry(
    'user',
    400,
    ({ image, reason }: Reason & { readonly image: string }) =>
      `failed to parse image reference "${image}": ${reason}`,
  ),
  ERR_IMAGE_PULL: entry('world', 502, ({ reason }: Reason & { readonly image: string }) => reason),
  /** What the engine says about a build that came to no end (spec 03 §13.3). */
  ERR_BUILD_FAILED: entry(
    'world',
    502,
    ({ reason }: Reason & { readonly missingImages?: readonly string[] }) => `build error: ${reason}`,
  ),

  // Packages as images (spec 03 §13)
  ERR_PACKAGE_INVALID: entry('user', 400, ({ reason }: Reason & { readonly package: string }) => reason),
  ERR_RUNTIME_CONFIG_INVALID: entry('user', 400, ({ reason }: Reason) => reason),
  ERR_BUILD_INPUT_INVALID: entry('user', 400, ({ reason }: Reason) => reason),
  ERR_FOLDER_UNUSABLE: entry(
    'user',
    400,
    ({ folder, reason }: Reason & { readonly folder: string }) =>
      `folder ${folder} cannot be run as a server: ${reason}`,
  ),

  // Packages run as processes
  ERR_REMOVAL_FAILED: entry('world', 500, ({ reason }: Reason & { readonly path: string }) => reason),
  ERR_SANDBOX_UNAVAILABLE: entry('world', 503, ({ reason }: Reason) => reason),
  ERR_SANDBOX_FAILED: entry('world', 502, ({ reason }: Reason) => `failed to confine the process: ${reason}`),
  ERR_PACKAGE_NOT_FOUND: entry(
    'user',
    404,
    ({ package: name, reason }: Reason & { readonly package: string }) =>
      `package ${name} not found: ${reason}`,
  ),
  ERR_PACKAGE_INSTALL: entry(
    'world',
    502,
    ({ package: name, reason }: Reason & { readonly package: string }) =>
      `failed to install package ${name}: ${reason}`,
  ),

  // Workload host (decision 02)
  ERR_HOST_UNREACHABLE: entry('world', 503, ({ reason }: Reason) => reason),
  ERR_HOST_REQUEST: entry('world', 502, ({ reason }: Reason) => reason),
  ERR_LISTEN_FAILED: entry('world', 409, ({ reason }: Reason & { readonly address: string }) => reason),

  // Tokens of incoming requests (spec 05 §4)
  ERR_OIDC_SETTINGS_INVALID: entry('user', 400, ({ reason }: Reason) => reason),
  /** `error` is RFC 6750's, `reason` is for the challenge, `description` for the body. */
  ERR_TOKEN_REJECTED: entry(
    'user',
    401,
    ({
      reason,
    }: Reason & { readonly error: 'invalid_request' | 'invalid_token'; readonly description: string }) =>
      reason,
  ),
  ERR_PROVIDER_UNREACHABLE: entry('world', 503, ({ reason }: Reason) => reason),
  /** The identity provider's address or answer breaks a rule. */
  ERR_PROVIDER_REFUSED: entry('world', 502, ({ reason }: Reason) => reason),

  // API server (spec 10)
  ERR_BODY_LATE: entry(
    'user',
    408,
    ({ seconds }: { readonly seconds: number }) =>
      `Request Timeout: the body did not arrive within ${seconds} seconds`,
  ),
  ERR_BODY_TOO_LARGE: entry('user', 413, (_: object) => 'Request Entity Too Large'),
  ERR_DISCOVERY_FILE: entry('user', 409, ({ reason }: Reason & { readonly path: string }) => reason),
  ERR_SERVER_RUNNING: entry(
    'user',
    409,
    ({ url, processId }: { readonly url: string; readonly processId: number }) =>
      `another ToolHive server is already running at ${url} (PID ${processId})`,
  ),

  // MCP peers
  ERR_MCP_REQUEST: entry('world', 502, ({ reason }: Reason) => reason),
  ERR_TOOL_RESULT: entry(
    'world',
    502,
    ({ tool }: { readonly tool: string }) => `tool "${tool}" reported an error`,
  ),

  // Registry (spec 08)
  ERR_SERVER_NOT_FOUND: entry(
    'user',
    404,
    ({ server }: { readonly server: string }) => `server not found: ${server}`,
  ),
  ERR_SERVER_AMBIGUOUS: entry(
    'user',
    409,
    ({ server, matches }: { readonly server: string; readonly matches: readonly string[] }) =>
      `multiple servers match '${server}': ${matches.join(', ')} — use the full name`,
  ),
  /** No answer, or none that may be read; `failed` tells what kind of failure, for the texts of spec 08 §6.3. */
  ERR_REGISTRY_REQUEST: entry(
    'world',
    502,
    ({
      reason,
    }: Reason & {
      readonly failed: 'timeout' | 'connection' | 'scheme' | 'content' | 'status';
      readonly status?: number;
    }) => reason,
  ),
  ERR_REGISTRY_UNAVAILABLE: entry('world', 503, ({ reason }: Reason) => reason),
  /** What is to become the registry in use does not answer, or is none (spec 08 §6.3). */
  ERR_REGISTRY_SOURCE_UNREACHABLE: entry('world', 504, ({ reason }: Reason) => reason),
  ERR_REGISTRY_SOURCE_INVALID: entry('user', 502, ({ reason }: Reason) => reason),
  ERR_REGISTRY_AUTH_REQUIRED: entry('user', 503, ({ reason }: { readonly reason?: string }) => {
    const advice = "registry authentication required: run 'thv registry login' to authenticate";
    if (reason === undefined) return advice;
    return `${reason}${reason.includes('\n') ? '\n' : ': '}${advice}`;
  }),
  ERR_REGISTRY_LEGACY_FORMAT: entry(
    'user',
    502,
    ({ source }: { readonly source: string }) =>
      `${source === '' ? '' : `registry at ${source}: `}registry file appears to be in the legacy ToolHive format; run \`thv registry convert --in <path> --in-place\` to migrate to the upstream MCP format`,
  ),
  ERR_REGISTRY_INVALID: entry('user', 502, ({ reason }: Reason) => reason),
  ERR_VARIABLES_MISSING: entry(
    'user',
    400,
    ({ names }: { readonly names: readonly string[] }) =>
      `missing required environment variable: ${names.join(', ')}`,
  ),
  ERR_HEADERS_MISSING: entry(
    'user',
    400,
    ({ names }: { readonly names: readonly string[] }) => `missing required header: ${names.join(', ')}`,
  ),
  ERR_TOOL_UNKNOWN: entry(
    'user',
    400,
    ({ tool }: { readonly tool: string }) => `tool ${tool} not found in registry`,
  ),

  // Outgoing OAuth (spec 06 §9)
  ERR_OAUTH: entry('world', 502, ({ reason }: Reason) => reason),

  ERR_TIMEOUT: entry('world', 504, ({ reason }: Reason) => reason),
  ERR_CANCELLED: entry('user', 499, ({ reason }: Reason) => reason),
  /** A right, space or the like that the operating system does not give. */
  ERR_SYSTEM: entry('world', 500, ({ reason }: Reason) => reason),
  ERR_INTERNAL: entry('ours', 500, ({ reason }: Reason) => reason),
} as const satisfies Record<string, CatalogEntry<never>>;

export type ErrorCode = keyof typeof CATALOG;
export type ErrorFacts<Code extends ErrorCode> = Parameters<(typeof CATALOG)[Code]['message']>[0];
