type Environment = Readonly<Record<string, string | undefined>>;

/** Set by services that run builds: nobody reads a notice there, and their counts would not stand for people. */
const BUILD_SERVICES =
  'GITHUB_ACTIONS CI GITLAB_CI CIRCLECI TRAVIS BUILDKITE DRONE CONTINUOUS_INTEGRATION'.split(' ');

/** Variables by which people and services say no; a workload is run by them as they stood where it was started. */
export const OPT_OUT_VARIABLES = [
  'TOOLHIVE_SKIP_UPDATE_CHECK',
  'TOOLHIVE_USAGE_METRICS_ENABLED',
  ...BUILD_SERVICES,
] as const;

/** Whether the environment forbids asking for updates (spec 09 §2.3). */
export function isUpdateCheckForbidden(env: Environment): boolean {
  return (
    env['TOOLHIVE_SKIP_UPDATE_CHECK']?.toLowerCase() === 'true' ||
    BUILD_SERVICES.some((name) => (env[name] ?? '') !== '')
  );
}

/** Whether the environment forbids usage metrics (spec 09 §2.3). */
export function isUsageMetricsForbidden(env: Environment): boolean {
  return isUpdateCheckForbidden(env) || env['TOOLHIVE_USAGE_METRICS_ENABLED'] === 'false';
}
