/**
 * The variables of the starting shell that a workload's run depends on (spec 09 §2.3). They travel over the control
 * socket with the start, so that one shared host serves workloads started from different shells.
 */
export type RunEnvironment = Readonly<Record<string, string>>;

const TRAVELLING = [
  /^TOOLHIVE_(?:RUNTIME|DOCKER_SOCKET|PODMAN_SOCKET|COLIMA_SOCKET)$/,
  /^(?:DOCKER_HOST|DOCKER_CONTEXT|DOCKER_CONFIG|XDG_RUNTIME_DIR|HOME|USERPROFILE|TMPDIR)$/,
  /^TOOLHIVE_(?:PROXY_REQUEST_TIMEOUT|HEALTH_CHECK_(?:INTERVAL|PING_TIMEOUT|RETRY_DELAY|FAILURE_THRESHOLD))$/,
];

export function runEnvironmentFrom(env: Readonly<Record<string, string | undefined>>): RunEnvironment {
  const travelling: Record<string, string> = {};
  for (const [key, value] of Object.entries(env)) {
    if (value !== undefined && TRAVELLING.some((pattern) => pattern.test(key))) travelling[key] = value;
  }
  return travelling;
}
