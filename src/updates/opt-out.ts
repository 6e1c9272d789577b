type Environment = Readonly<Record<string, string | undefined>>;

/** Set by services that run builds: nobody is there to read a notice, and the numbers would be no people's. */
const BUILD_SERVICES =
  'GITHUB_ACTIONS CI GITLAB_CI CIRCLECI TRAVIS BUILDKITE DRONE CONTINUOUS_INTEGRATION'.split(' ');

/** Whether the environment forbids asking for updates (spec 09 §2.3). */
export function isUpdateCheckForbidden(env: Environment): boolean {
  return (
    env['TOOLHIVE_SKIP_UPDATE_CHECK']?.toLowerCase() === 'true' ||
    BUILD_SERVICES.some((name) => (env[name] ?? '') !== '')
  );
}
