/**
 * The closed list of error codes: for each, when it is thrown, who is at fault, the HTTP status it becomes, and the sentence made from its facts.
 * A code once released never changes its meaning. Texts that a spec chapter quotes stand here to the letter.
 */

/**
 * Who has to act, which decides what is told beyond the sentence: nothing for the `user`; the stack under `--debug` for the `world`
 * around us (engine, network, disk); code, causes and stack in the log for what is `ours`.
 */
export type Blame = 'user' | 'world' | 'ours';

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
  /** The command line cannot be read: an unknown command or flag, a flag without its value, too many or too few words. */
  ERR_USAGE: entry('user', 400, ({ reason }: Reason) => reason),
  /** The value of a flag cannot be read or is not allowed, or flags exclude each other. */
  ERR_FLAG_INVALID: entry('user', 400, ({ reason }: Reason & { readonly flag: string }) => reason),
  /** A value that the user gave (argument, request field, line typed) cannot be used, and no other code is more exact. */
  ERR_INPUT_INVALID: entry('user', 400, ({ reason }: Reason) => reason),
  /** A command starts while ToolHive Desktop manages another copy of this program. */
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
  /** A file that the user named, or stdout, cannot be written. */
  ERR_FILE_UNWRITABLE: entry('user', 400, ({ reason }: Reason & { readonly path: string }) => reason),
  /** A file that the user named cannot be read, or does not hold what it should. */
  ERR_FILE_UNREADABLE: entry('user', 400, ({ reason }: Reason & { readonly path: string }) => reason),

  // Authorization (spec 05 §9–§15)
  /** An authorization config, or a policy in it, cannot be used. */
  ERR_AUTHZ_INVALID: entry('user', 400, ({ reason }: Reason) => reason),
  /** The policy engine ran out of stack over a policy or a request. */
  ERR_AUTHZ_TRAPPED: entry('user', 400, ({ reason }: Reason) => reason),

  /** The policies of a workload, or what its tools are, are asked for, and it has none of that now. */
  ERR_NOT_AVAILABLE: entry('user', 409, ({ reason }: Reason & { readonly workload: string }) => reason),
  /** The file with the locked tools of a workload cannot be read, or was changed by hand. */
  ERR_TOOL_LOCK_INVALID: entry('user', 409, ({ reason }: Reason & { readonly path: string }) => reason),
  /** Tools of a server are not as they were locked. */
  ERR_TOOLS_DIFFER: entry('user', 409, ({ reason }: Reason & { readonly workload: string }) => reason),

  // Application configuration (spec 09 §2)
  /** `config.yaml` is not YAML, or a value in it has the wrong type. */
  ERR_CONFIG_INVALID: entry('user', 400, ({ reason }: Reason & { readonly path: string }) => reason),
  /** The endpoint for updates refuses, or its answer names no version. */
  ERR_UPDATE_CHECK: entry('world', 502, ({ reason }: Reason) => reason),
  /** No answer of a server that we asked over HTTP, or none that may be read; rooms say it in their own words. */
  ERR_HTTP: entry(
    'world',
    502,
    ({
      reason,
    }: Reason & {
      readonly failed:
        | 'url'
        | 'protocol'
        | 'plain-http'
        | 'private'
        | 'resolve'
        | 'connection'
        | 'timeout'
        | 'redirects'
        | 'size';
      /** Where it failed: the URL that was asked for, or one that a redirect led to. */
      readonly url: string;
    }) => reason,
  ),

  // Secrets (spec 09 §5)
  /** The secrets provider has no value under this name. */
  ERR_SECRET_NOT_FOUND: entry(
    'user',
    404,
    ({ secret }: { readonly secret: string }) => `secret not found: ${secret}`,
  ),
  /** The name of a secret is empty, or one that the provider or `--secret` cannot express. */
  ERR_SECRET_NAME_INVALID: entry('user', 400, ({ reason }: Reason & { readonly secret: string }) => reason),
  /** A person manages a secret whose name belongs to the program (`__thv_…`). */
  ERR_SECRET_NAME_RESERVED: entry(
    'user',
    400,
    (facts: { readonly secret: string; readonly operation: 'get' | 'set' | 'delete' }) =>
      `secret name is reserved for system use and cannot be managed via user commands: cannot ${facts.operation} ${JSON.stringify(facts.secret)}`,
  ),
  /** A `--secret` is not of the form `NAME,target=TARGET`. */
  ERR_SECRET_PARAMETER_INVALID: entry(
    'user',
    400,
    ({ parameter }: { readonly parameter: string }) => `invalid secret parameter format: ${parameter}`,
  ),
  /**
   * Secrets are used before `thv secret setup`. `provider` is there when the environment named it, which only the provider
   * without stored values may do before setup.
   */
  ERR_SECRETS_NOT_SET_UP: entry('user', 404, ({ provider }: { readonly provider?: string }) =>
    provider === undefined
      ? "secrets provider not configured. Please run 'thv secret setup' to configure a secrets provider first"
      : `provider "${provider}" requires setup to be completed. Only 'environment' provider can be used without setup. Please run 'thv secret setup' or use TOOLHIVE_SECRETS_PROVIDER=environment`,
  ),
  /** The name of a secrets provider is unknown. */
  ERR_SECRETS_PROVIDER_INVALID: entry(
    'user',
    400,
    (facts: { readonly provider: string; readonly valid: readonly string[] }) =>
      `invalid secrets provider type: ${facts.provider} (valid types: ${facts.valid.join(', ')})`,
  ),
  /** The provider in use cannot set, delete or list secrets. */
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
  /** The password for the encrypted secrets is empty, or there is nobody to ask for it. */
  ERR_SECRETS_PASSWORD: entry('user', 400, ({ reason }: Reason) => reason),
  /** The password is to be kept in a keyring, and this machine has none that works. */
  ERR_KEYRING_UNAVAILABLE: entry('user', 400, ({ reason }: Reason) => reason),
  /** The file of encrypted secrets is damaged, or the password does not open it. */
  ERR_SECRETS_FILE_INVALID: entry('world', 500, ({ reason }: Reason & { readonly path: string }) => reason),
  /** What stands behind a provider (a password manager, a keyring, a command of the user) refuses or fails. */
  ERR_SECRETS_PROVIDER_FAILED: entry(
    'world',
    502,
    ({ reason }: Reason & { readonly provider: string }) => reason,
  ),

  // Workloads (spec 02)
  /** The name of a workload breaks the rules for names. */
  ERR_WORKLOAD_NAME_INVALID: entry(
    'user',
    400,
    ({ workload, reason }: Reason & { readonly workload: string }) =>
      `invalid workload name '${workload}': ${reason}`,
  ),
  /** No file and no container has this name. */
  ERR_WORKLOAD_NOT_FOUND: entry(
    'user',
    404,
    ({ workload }: { readonly workload: string }) => `workload not found: ${workload}`,
  ),
  /** A new workload takes a name that another one has, or is just being given. */
  ERR_WORKLOAD_EXISTS: entry(
    'user',
    409,
    ({ workload }: { readonly workload: string }) => `workload with name '${workload}' already exists`,
  ),
  /** A workload that was to be started did not come up, or cannot. */
  ERR_WORKLOAD_START_FAILED: entry(
    'world',
    502,
    ({ workload, reason }: Reason & { readonly workload: string }) =>
      `workload '${workload}' did not start: ${reason}`,
  ),
  /** An operation on several workloads failed for some; the reason tells which and why. */
  ERR_WORKLOADS_FAILED: entry('world', 502, ({ reason }: Reason) => reason),
  /** There is no group of this name. */
  ERR_GROUP_NOT_FOUND: entry(
    'user',
    404,
    ({ group }: { readonly group: string }) => `group '${group}' does not exist`,
  ),
  /** A new group takes a name that another one has. */
  ERR_GROUP_EXISTS: entry(
    'user',
    409,
    ({ group }: { readonly group: string }) => `group already exists: ${group}`,
  ),
  /** The name of a group breaks the rules for names. */
  ERR_GROUP_NAME_INVALID: entry(
    'user',
    400,
    ({ reason }: Reason & { readonly group: string }) => `invalid group name: ${reason}`,
  ),
  /** The default group is to be deleted. */
  ERR_GROUP_PROTECTED: entry(
    'user',
    400,
    (_: { readonly group: string }) => 'cannot delete the default group',
  ),
  /** The file of a group cannot be read. */
  ERR_GROUP_FILE_INVALID: entry('world', 500, ({ reason }: Reason & { readonly path: string }) => reason),
  /** A workload is to be put into a group while it is in another one. */
  ERR_WORKLOAD_IN_OTHER_GROUP: entry(
    'user',
    409,
    ({ workload, group }: { readonly workload: string; readonly group: string }) =>
      `workload '${workload}' is already in group '${group}'`,
  ),
  /** There is no stored run config for this name. */
  ERR_RUN_CONFIG_NOT_FOUND: entry(
    'user',
    404,
    ({ workload }: { readonly workload: string }) => `run config not found: ${workload}`,
  ),
  /** A run config, stored or given, is not JSON, or its values do not fit together. */
  ERR_RUN_CONFIG_INVALID: entry('user', 400, ({ reason }: Reason) => reason),
  /** The audit log is asked for of a workload that has none. */
  ERR_NOT_AUDITED: entry(
    'user',
    404,
    ({ workload }: { readonly workload: string }) => `workload ${workload} is not audited`,
  ),
  /** A text or file is no permission profile. */
  ERR_PROFILE_INVALID: entry('user', 400, ({ reason }: Reason) => reason),
  /** An ignore file cannot be read, or what it names cannot be hidden. The server does not start then. */
  ERR_OVERLAY_FAILED: entry(
    'world',
    500,
    ({ path, reason }: Reason & { readonly path: string }) =>
      `failed to hide what an ignore file names in ${path}: ${reason}`,
  ),
  /** The status file of a workload cannot be read. */
  ERR_STATUS_FILE_INVALID: entry('world', 500, ({ reason }: Reason & { readonly path: string }) => reason),
  /** A command did what it should, and could not write that down. What it did stands. */
  ERR_NOT_RECORDED: entry(
    'world',
    507,
    ({ workload, done, reason }: Reason & { readonly workload: string; readonly done: string }) =>
      `workload '${workload}' was ${done}, but that could not be recorded: ${reason}`,
  ),
  /** A workload was removed as such, and these files are still there. */
  ERR_LEFT_BEHIND: entry(
    'world',
    507,
    ({ workload, left }: { readonly workload: string; readonly left: readonly string[] }) =>
      `workload '${workload}' was removed, but left behind: ${left.join('; ')}`,
  ),
  /** Another process holds the lock of a file for too long. */
  ERR_LOCK_TIMEOUT: entry('world', 503, ({ reason }: Reason & { readonly path: string }) => reason),
  /** The port that the user asked for is taken. */
  ERR_PORT_UNAVAILABLE: entry(
    'user',
    400,
    ({ port }: { readonly port: number }) => `requested proxy port ${port} is not available`,
  ),
  /** Any port would do, and none is free. */
  ERR_NO_FREE_PORT: entry('world', 503, (_: object) => 'could not find an available port'),
  /** The workload has no container whose output could be shown. */
  ERR_LOGS_NOT_FOUND: entry(
    'user',
    404,
    ({ workload }: { readonly workload: string }) =>
      `container logs for workload ${workload} not found, use --proxy to get proxy logs`,
  ),

  // MCP clients (spec 09 §6)
  /** The name of an MCP client is unknown. */
  ERR_CLIENT_INVALID: entry(
    'user',
    400,
    ({ client, valid }: { readonly client: string; readonly valid: readonly string[] }) =>
      `invalid client type: ${client} (valid types: ${valid.join(', ')})`,
  ),
  /** The settings file of an MCP client cannot be understood, so it is not changed. */
  ERR_CLIENT_SETTINGS_INVALID: entry('user', 400, ({ reason }: Reason & { readonly path: string }) => reason),
  /** The settings file of an MCP client may not be written. */
  ERR_CLIENT_SETTINGS_READ_ONLY: entry(
    'user',
    409,
    ({ path }: { readonly path: string }) => `${path} is read-only`,
  ),

  // Container engine (spec 03)
  /** No container engine is found, or the connection to it fails. */
  ERR_ENGINE_UNAVAILABLE: entry('world', 503, ({ reason }: Reason) => reason),
  /** The container engine refuses a request. `refusal` tells the refusals that a caller has an answer to. */
  ERR_ENGINE_REQUEST: entry(
    'world',
    502,
    ({
      reason,
    }: Reason & {
      readonly status?: number;
      readonly refusal?: 'no-space' | 'cannot-limit' | 'name-taken' | 'not-connected' | undefined;
    }) => reason,
  ),
  /** The engine does not know the container. */
  ERR_CONTAINER_NOT_FOUND: entry(
    'world',
    404,
    ({ container }: { readonly container: string }) => `container not found (container: ${container})`,
  ),
  /** Something is asked of a container that is not up. */
  ERR_CONTAINER_NOT_RUNNING: entry(
    'world',
    400,
    ({ reason }: Reason & { readonly container: string }) => reason,
  ),
  /** A container keeps ending while its server is being started. */
  ERR_CONTAINER_EXITED: entry('world', 400, ({ reason }: Reason & { readonly container: string }) => reason),
  /** The engine does not connect stdin and stdout of a container, or not in time. */
  ERR_ATTACH_FAILED: entry('world', 502, ({ reason }: Reason & { readonly container: string }) => reason),
  /** A registry does not have the image. */
  ERR_IMAGE_NOT_FOUND: entry(
    'user',
    404,
    ({ image, reason }: { readonly image: string; readonly reason?: string }) =>
      `image not found in registry, please check the image name or tag: ${image}${reason === undefined ? '' : `: ${reason}`}`,
  ),
  /** The text is not the name of an image. */
  ERR_IMAGE_REFERENCE_INVALID: entry(
    'user',
    400,
    ({ image, reason }: Reason & { readonly image: string }) =>
      `failed to parse image reference "${image}": ${reason}`,
  ),
  /** An image has to be verified before it runs, and was not (spec 03 §12.4). */
  ERR_IMAGE_UNVERIFIED: entry('user', 403, ({ reason }: Reason & { readonly image: string }) => reason),
  /** The engine cannot fetch an image for another reason than that it does not exist. */
  ERR_IMAGE_PULL: entry('world', 502, ({ reason }: Reason & { readonly image: string }) => reason),
  /** The engine ended the build of an image with an error (spec 03 §13.3). */
  ERR_BUILD_FAILED: entry(
    'world',
    502,
    ({ reason }: Reason & { readonly missingImages?: readonly string[] }) => `build error: ${reason}`,
  ),

  // Packages as images (spec 03 §13)
  /** The reference of a package (`npx://…`) breaks the rules of its scheme. */
  ERR_PACKAGE_INVALID: entry('user', 400, ({ reason }: Reason & { readonly package: string }) => reason),
  /**
   * The settings of a build (spec 03 §13.6), given with the request or in `config.yaml`, are not allowed. `reason` has a line
   * each.
   */
  ERR_RUNTIME_CONFIG_INVALID: entry(
    'user',
    400,
    ({ reason, scheme, from }: Reason & { readonly scheme: string; readonly from: 'request' | 'file' }) =>
      from === 'request'
        ? `invalid runtime configuration: ${reason}`
        : `invalid runtime config in config file for ${scheme}: ${reason}`,
  ),
  /** What goes into a build (a certificate, a local project, a file of the folder, a flag) cannot be used. */
  ERR_BUILD_INPUT_INVALID: entry('user', 400, ({ reason }: Reason) => reason),
  /** A local folder is to be run, and what is in it cannot be. */
  ERR_FOLDER_UNUSABLE: entry(
    'user',
    400,
    ({ folder, reason }: Reason & { readonly folder: string }) =>
      `folder ${folder} cannot be run as a server: ${reason}`,
  ),

  // Packages run as processes
  /** A folder cannot be deleted, because of files in it that belong to another user. */
  ERR_REMOVAL_FAILED: entry('world', 500, ({ reason }: Reason & { readonly path: string }) => reason),
  /** This machine has no sandbox that passes its own test. */
  ERR_SANDBOX_UNAVAILABLE: entry('world', 503, ({ reason }: Reason) => reason),
  /** The sandbox was there, and confining this process failed. */
  ERR_SANDBOX_FAILED: entry('world', 502, ({ reason }: Reason) => `failed to confine the process: ${reason}`),
  /** A package registry does not have the package, or its reference names none. */
  ERR_PACKAGE_NOT_FOUND: entry(
    'user',
    404,
    ({ package: name, reason }: Reason & { readonly package: string }) =>
      `package ${name} not found: ${reason}`,
  ),
  /** The installer of a package fails, or what it installed cannot be run. */
  ERR_PACKAGE_INSTALL: entry(
    'world',
    502,
    ({ package: name, reason }: Reason & { readonly package: string }) =>
      `failed to install package ${name}: ${reason}`,
  ),

  // Workload host (decision 02)
  /** The workload host does not start or does not answer. */
  ERR_HOST_UNREACHABLE: entry('world', 503, ({ reason }: Reason) => reason),
  /** The workload host answers a request of a command with an error that this version does not know, being of another one. */
  ERR_HOST_REQUEST: entry('world', 502, ({ reason }: Reason) => reason),
  /** A port, socket or pipe cannot be opened. */
  ERR_LISTEN_FAILED: entry('world', 409, ({ reason }: Reason & { readonly address: string }) => reason),

  // Tokens of incoming requests (spec 05 §4)
  /** The settings for checking tokens do not fit together. */
  ERR_OIDC_SETTINGS_INVALID: entry('user', 400, ({ reason }: Reason) => reason),
  /**
   * The token of an incoming request is missing or not good. `error` is from RFC 6750, `reason` goes into the challenge,
   * `description` into the body.
   */
  ERR_TOKEN_REJECTED: entry(
    'user',
    401,
    ({
      reason,
    }: Reason & { readonly error: 'invalid_request' | 'invalid_token'; readonly description: string }) =>
      reason,
  ),
  /** The identity provider does not answer, so a token cannot be judged. */
  ERR_PROVIDER_UNREACHABLE: entry('world', 503, ({ reason }: Reason) => reason),
  /** The identity provider's address or answer breaks a rule. */
  ERR_PROVIDER_REFUSED: entry('world', 502, ({ reason }: Reason) => reason),

  // Access tokens (`thv token`)
  /** A token of that name exists. */
  ERR_ACCESS_TOKEN_EXISTS: entry(
    'user',
    409,
    ({ token }: { readonly token: string }) => `access token already exists: ${token}`,
  ),
  ERR_ACCESS_TOKEN_NOT_FOUND: entry(
    'user',
    404,
    ({ token }: { readonly token: string }) => `access token not found: ${token}`,
  ),
  /** The file of access tokens cannot be read, so nobody can be let in by one. */
  ERR_ACCESS_TOKENS_UNREADABLE: entry(
    'world',
    503,
    ({ reason }: Reason & { readonly path: string }) => reason,
  ),

  // API server (spec 10)
  /** The body of a request does not arrive in time. */
  ERR_BODY_LATE: entry(
    'user',
    408,
    ({ seconds }: { readonly seconds: number }) =>
      `Request Timeout: the body did not arrive within ${seconds} seconds`,
  ),
  /** The body of a request is longer than allowed. */
  ERR_BODY_TOO_LARGE: entry('user', 413, (_: object) => 'Request Entity Too Large'),
  /** The record of a running API server is a link or cannot be understood. */
  ERR_DISCOVERY_FILE: entry('user', 409, ({ reason }: Reason & { readonly path: string }) => reason),
  /** `thv serve` starts while another API server answers for this user. */
  ERR_SERVER_RUNNING: entry(
    'user',
    409,
    ({ url, processId }: { readonly url: string; readonly processId: number }) =>
      `another ToolHive server is already running at ${url} (PID ${processId})`,
  ),

  // MCP peers
  /** An MCP server does not answer, or answers with an error. */
  ERR_MCP_REQUEST: entry('world', 502, ({ reason }: Reason) => reason),
  /** A tool was called and its result says that it failed. */
  ERR_TOOL_RESULT: entry(
    'world',
    502,
    ({ tool }: { readonly tool: string }) => `tool "${tool}" reported an error`,
  ),

  // Registry (spec 08)
  /** The registry has no server of this name. */
  ERR_SERVER_NOT_FOUND: entry(
    'user',
    404,
    ({ server }: { readonly server: string }) => `server not found: ${server}`,
  ),
  /** A short name fits several servers of the registry. */
  ERR_SERVER_AMBIGUOUS: entry(
    'user',
    409,
    ({ server, matches }: { readonly server: string; readonly matches: readonly string[] }) =>
      `multiple servers match '${server}': ${matches.join(', ')} — use the full name`,
  ),
  /**
   * A registry does not answer, or its answer cannot be read; `failed` tells the kind of failure, which selects the text of spec 08
   * §6.3.
   */
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
  /** The registry in use cannot be asked, and nothing older is at hand. */
  ERR_REGISTRY_UNAVAILABLE: entry('world', 503, ({ reason }: Reason) => reason),
  /** What is to become the registry in use does not answer (spec 08 §6.3). */
  ERR_REGISTRY_SOURCE_UNREACHABLE: entry('world', 504, ({ reason }: Reason) => reason),
  /** What is to become the registry in use answers, and is no registry (spec 08 §6.3). */
  ERR_REGISTRY_SOURCE_INVALID: entry('user', 502, ({ reason }: Reason) => reason),
  /** The registry wants a login that is not there or has expired. */
  ERR_REGISTRY_AUTH_REQUIRED: entry('user', 503, ({ reason }: { readonly reason?: string }) => {
    const advice = "registry authentication required: run 'thv registry login' to authenticate";
    if (reason === undefined) return advice;
    return `${reason}${reason.includes('\n') ? '\n' : ': '}${advice}`;
  }),
  /** A registry file has the old format of the reference. */
  ERR_REGISTRY_LEGACY_FORMAT: entry(
    'user',
    502,
    ({ source }: { readonly source: string }) =>
      `${source === '' ? '' : `registry at ${source}: `}registry file appears to be in the legacy ToolHive format; run \`thv registry convert --in <path> --in-place\` to migrate to the upstream MCP format`,
  ),
  /** A registry file or an entry of a registry breaks the format. */
  ERR_REGISTRY_INVALID: entry('user', 502, ({ reason }: Reason) => reason),
  /** A registry entry requires variables, and nobody can be asked for them. */
  ERR_VARIABLES_MISSING: entry(
    'user',
    400,
    ({ names }: { readonly names: readonly string[] }) =>
      `missing required environment variable: ${names.join(', ')}`,
  ),
  /** A registry entry of a remote server requires headers, and nobody can be asked for them. */
  ERR_HEADERS_MISSING: entry(
    'user',
    400,
    ({ names }: { readonly names: readonly string[] }) => `missing required header: ${names.join(', ')}`,
  ),
  /** A tool is named that the registry entry does not list. */
  ERR_TOOL_UNKNOWN: entry(
    'user',
    400,
    ({ tool }: { readonly tool: string }) => `tool ${tool} not found in registry`,
  ),

  // Outgoing OAuth (spec 06 §9)
  /** A login in the browser, or the renewal of a token, fails. */
  ERR_OAUTH: entry('world', 502, ({ reason }: Reason) => reason),

  /** Something took longer than its limit, and no other code is more exact. */
  ERR_TIMEOUT: entry('world', 504, ({ reason }: Reason) => reason),
  /** The user or the client gave up. */
  ERR_CANCELLED: entry('user', 499, ({ reason }: Reason) => reason),
  /** The operating system, or a proxy of this machine, refuses what nobody foresaw: a right, space, a connection. */
  ERR_SYSTEM: entry('world', 500, ({ reason }: Reason) => reason),
  /** The program itself is at fault: an error that nobody foresaw. Logged with causes and stack. */
  ERR_INTERNAL: entry('ours', 500, ({ reason }: Reason) => reason),
} as const satisfies Record<string, CatalogEntry<never>>;

export type ErrorCode = keyof typeof CATALOG;
export type ErrorFacts<Code extends ErrorCode> = Parameters<(typeof CATALOG)[Code]['message']>[0];
