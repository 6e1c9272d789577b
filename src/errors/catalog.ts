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
  ERR_FILE_UNREADABLE: entry('user', 400, ({ reason }: Reason & { readonly path: string }) => reason),

  // Application configuration (spec 09 §2)
  ERR_CONFIG_INVALID: entry('user', 400, ({ reason }: Reason & { readonly path: string }) => reason),

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
  ERR_RUN_CONFIG_NOT_FOUND: entry(
    'user',
    404,
    ({ workload }: { readonly workload: string }) => `run config not found: ${workload}`,
  ),
  ERR_RUN_CONFIG_INVALID: entry('user', 400, ({ reason }: Reason) => reason),
  ERR_STATUS_FILE_INVALID: entry('world', 500, ({ reason }: Reason & { readonly path: string }) => reason),
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

  // Workload host (DESIGN §1)
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

  ERR_TIMEOUT: entry('world', 504, ({ reason }: Reason) => reason),
  ERR_CANCELLED: entry('user', 499, ({ reason }: Reason) => reason),
  ERR_INTERNAL: entry('ours', 500, ({ reason }: Reason) => reason),
} as const satisfies Record<string, CatalogEntry<never>>;

export type ErrorCode = keyof typeof CATALOG;
export type ErrorFacts<Code extends ErrorCode> = Parameters<(typeof CATALOG)[Code]['message']>[0];
