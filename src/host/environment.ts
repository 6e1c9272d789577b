import { OPT_OUT_VARIABLES } from '../updates/index.ts';

/**
 * The variables of the starting shell that a workload's run depends on (spec 09 §2.3). They travel over the control
 * socket with the start, so that one shared host serves workloads started from different shells.
 */
export type RunEnvironment = Readonly<Record<string, string>>;

const SECRET = /^(?:TOOLHIVE_SECRET_.+|TOOLHIVE_SECRETS_PASSWORD|OP_SERVICE_ACCOUNT_TOKEN)$/;
const PROXY = /^(?:https?_proxy|HTTPS?_PROXY)$/;

const TRAVELLING = [
  SECRET,
  PROXY,
  /^TOOLHIVE_(?:SECRETS_PROVIDER|DISABLE_ENV_FALLBACK|KEYRING)$/,
  /^(?:NVM_DIR|FNM_DIR|VOLTA_HOME|ASDF_DATA_DIR|MISE_DATA_DIR|N_PREFIX|NODENV_ROOT|HOMEBREW_PREFIX|XDG_DATA_HOME)$/,
  /^TOOLHIVE_(?:RUNTIME|JS_RUNTIME|SANDBOX|DOCKER_SOCKET|PODMAN_SOCKET|COLIMA_SOCKET)$/,
  /^(?:DOCKER_HOST|DOCKER_CONTEXT|DOCKER_CONFIG|XDG_RUNTIME_DIR|DBUS_SESSION_BUS_ADDRESS|HOME|USERPROFILE|APPDATA|TMPDIR)$/,
  /^TOOLHIVE_(?:PROXY_REQUEST_TIMEOUT|HEALTH_CHECK_(?:INTERVAL|PING_TIMEOUT|RETRY_DELAY|FAILURE_THRESHOLD)|REMOTE_HEALTHCHECKS)$/,
  /^(?:no_proxy|NO_PROXY)$/,
  new RegExp(`^(?:${OPT_OUT_VARIABLES.join('|')})$`),
];

type Variables = Readonly<Record<string, string | undefined>>;

export function runEnvironmentFrom(env: Variables): RunEnvironment {
  return pick(env, (name) => TRAVELLING.some((pattern) => pattern.test(name)));
}

/** What may be written to disk. */
export function withoutSecrets(environment: RunEnvironment): RunEnvironment {
  return pick(environment, (name, value) => !isSecret(name, value));
}

export function secretsOnly(env: Variables): RunEnvironment {
  return pick(env, isSecret);
}

/**
 * Kept in memory, never on disk: after a crash these are what the guard's own environment holds. Of proxies, those whose
 * URL may carry a password; without the others a remote server could not be reached any more.
 */
function isSecret(name: string, value: string): boolean {
  return SECRET.test(name) || (PROXY.test(name) && value.includes('@'));
}

function pick(env: Variables, isWanted: (name: string, value: string) => boolean): RunEnvironment {
  return Object.fromEntries(
    Object.entries(env).filter(
      (entry): entry is [string, string] => entry[1] !== undefined && isWanted(entry[0], entry[1]),
    ),
  );
}
