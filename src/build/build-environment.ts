import {
  type ApplicationConfig,
  buildVariableNameProblem,
  buildVariableValueProblem,
} from '../config/index.ts';
import { ThvError, within } from '../errors/index.ts';
import type { Logger } from '../platform/index.ts';
import { type SecretsStore, userSecrets } from '../secrets/index.ts';

/** Asked for only when the configuration names a secret. Throws what opening the store throws. */
export type OpenSecrets = () => Promise<SecretsStore>;

interface BuildEnvironment {
  readonly plain: Readonly<Record<string, string>>;
  /** What nobody may see. No name is in both. */
  readonly secret: Readonly<Record<string, string>>;
}

type Sources = Pick<ApplicationConfig, 'build_env' | 'build_env_from_secrets' | 'build_env_from_shell'>;

/** `build_env`, then secrets, then the shell; later wins (spec 03 §13.5). Throws `ERR_BUILD_INPUT_INVALID` with all faults. */
export async function resolveBuildEnvironment(
  config: Sources,
  {
    env,
    openSecrets,
    logger,
  }: {
    readonly env: Readonly<Record<string, string | undefined>>;
    readonly openSecrets: OpenSecrets;
    readonly logger: Logger;
  },
): Promise<BuildEnvironment> {
  const values: Record<string, string> = Object.assign(Object.create(null), config.build_env);
  const secretNames = new Set<string>();
  const fromSecrets = Object.entries(config.build_env_from_secrets ?? {});
  const secrets = fromSecrets.length === 0 ? undefined : userSecrets(await openSecrets());
  for (const [name, secret] of fromSecrets) {
    const read = async () => (await secrets?.get(secret)) ?? '';
    values[name] = await within(
      `failed to get secret '${secret}' for build environment variable ${name}`,
      read,
    );
    secretNames.add(name);
  }
  for (const name of config.build_env_from_shell ?? []) {
    const value = env[name] ?? '';
    if (value === '') logger.warn('build environment variable is not set in the shell', { variable: name });
    else {
      values[name] = value;
      // What a shell holds is as often a token as not.
      secretNames.add(name);
    }
  }
  const problems = Object.entries(values).flatMap(([name, value]) => problemsOf(name, value));
  if (problems.length > 0) throw new ThvError('ERR_BUILD_INPUT_INVALID', { reason: problems.join('\n') });
  const ofKind = (isSecret: boolean) =>
    Object.fromEntries(Object.entries(values).filter(([name]) => secretNames.has(name) === isSecret));
  return { plain: ofKind(false), secret: ofKind(true) };
}

function problemsOf(name: string, value: string): readonly string[] {
  const ofName = buildVariableNameProblem(name);
  const ofValue = buildVariableValueProblem(value);
  return [
    ...(ofName === undefined ? [] : [ofName]),
    ...(ofValue === undefined ? [] : [`${ofValue} (${name})`]),
  ];
}
