import { OPT_OUT_VARIABLES } from '../updates/index.ts';

/**
 * The variables of the starting shell that a workload's run depends on (spec 09 §2.3). They travel over the control
 * socket with the start, so that one shared host serves workloads started from different shells.
 */
export type RunEnvironment = Readonly<Record<string, string>>;

const SECRET =
  /^(?:TOOLHIVE_SECRET_.+|TOOLHIVE_TOKEN_EXCHANGE_CLIENT_SECRET|THV_SESSION_REDIS_PASSWORD|TOOLHIVE_SECRETS_PASSWORD|OP_SERVICE_ACCOUNT_TOKEN)$/;
const PROXY = /^(?:https?_proxy|HTTPS?_PROXY|all_proxy|ALL_PROXY)$/;
/** Variables that tell package tools about registries and logins there. */
const INSTALLER = /^(?:npm_config_|NPM_CONFIG_|UV_|PIP_)/;
const LOGIN = /_auth|token|password|secret/i;
/** Where programs are found, those of version managers included. */
const PROGRAMS =
  /^(?:PATH|XDG_(?:CONFIG|DATA)_HOME|PYENV_ROOT|NVM_(?:DIR|BIN)|FNM_DIR|FNM_MULTISHELL_PATH|VOLTA_HOME|NODENV_ROOT|N_PREFIX|ASDF_(?:DIR|DATA_DIR)|MISE_DATA_DIR)$/i;

const TRAVELLING = [
  SECRET,
  PROXY,
  INSTALLER,
  PROGRAMS,
  /^(?:SSL_CERT_(?:FILE|DIR)|NODE_EXTRA_CA_CERTS|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE|AWS_CA_BUNDLE|GIT_SSL_CAINFO)$/,
  /^(?:GO(?:PROXY|PRIVATE|NOPROXY|SUMDB|NOSUMDB|INSECURE|ENV|TOOLCHAIN)|NETRC|REGISTRY_AUTH_FILE|TOOLHIVE_INSTALL_HOSTS)$/,
  /^TOOLHIVE_(?:SECRETS_PROVIDER|DISABLE_ENV_FALLBACK|KEYRING)$/,
  /^(?:NVM_DIR|FNM_DIR|VOLTA_HOME|ASDF_DATA_DIR|MISE_DATA_DIR|N_PREFIX|NODENV_ROOT|HOMEBREW_PREFIX|XDG_DATA_HOME)$/,
  /^TOOLHIVE_(?:JS_RUNTIME|SANDBOX|DOCKER_SOCKET|PODMAN_SOCKET|COLIMA_SOCKET)$/,
  /^TOOLHIVE_(?:NETWORK_PROXY|EGRESS_IMAGE|DNS_IMAGE)$/,
  /^(?:DOCKER_HOST|DOCKER_CONTEXT|DOCKER_CONFIG|XDG_RUNTIME_DIR|DBUS_SESSION_BUS_ADDRESS|HOME|USERPROFILE|APPDATA|TMPDIR)$/,
  /^TOOLHIVE_(?:PROXY_REQUEST_TIMEOUT|HEALTH_CHECK_(?:INTERVAL|PING_TIMEOUT|RETRY_DELAY|FAILURE_THRESHOLD)|REMOTE_HEALTHCHECKS)$/,
  /^(?:INSECURE_DISABLE_URL_VALIDATION|TOOLHIVE_SKIP_OIDC_DISCOVERY)$/,
  /^(?:no_proxy|NO_PROXY)$/,
  new RegExp(`^(?:${OPT_OUT_VARIABLES.join('|')})$`),
];

/** What a run depends on of the shell that started it. */
export interface RunOrigin {
  readonly environment: RunEnvironment;
  /** The word for what runs its server (`--runtime`, else `TOOLHIVE_RUNTIME`); '' where nobody said one. */
  readonly runtime: string;
}

type Variables = Readonly<Record<string, string | undefined>>;

export function runEnvironmentFrom(env: Variables): RunEnvironment {
  return pick(env, travels);
}

/**
 * The whole environment for programs that a run calls: what belongs to its shell as it is there, also when it is unset there, and
 * the rest as this process has it.
 */
export function shellOf(environment: RunEnvironment, own: Variables = process.env): RunEnvironment {
  // A record of an earlier version does not tell of programs and installers.
  if (!Object.keys(environment).some((name) => /^path$/i.test(name)))
    return { ...pick(own, () => true), ...environment };
  return { ...pick(own, (name) => !travels(name)), ...environment };
}

function travels(name: string): boolean {
  return TRAVELLING.some((pattern) => pattern.test(name));
}

/** What may be written to disk. */
export function withoutSecrets(environment: RunEnvironment): RunEnvironment {
  return pick(environment, (name, value) => !isSecret(name, value));
}

export function secretsOnly(env: Variables): RunEnvironment {
  return pick(env, isSecret);
}

/**
 * Kept in memory, never on disk: after a crash these are what the guard's own environment holds. Of proxies and registries, those
 * whose URL may carry a password; without the others a remote server could not be reached any more.
 */
function isSecret(name: string, value: string): boolean {
  if (SECRET.test(name)) return true;
  if (INSTALLER.test(name) && LOGIN.test(name)) return true;
  return (PROXY.test(name) || INSTALLER.test(name) || name === 'GOPROXY') && value.includes('@');
}

function pick(env: Variables, isWanted: (name: string, value: string) => boolean): RunEnvironment {
  return Object.fromEntries(
    Object.entries(env).filter(
      (entry): entry is [string, string] => entry[1] !== undefined && isWanted(entry[0], entry[1]),
    ),
  );
}
