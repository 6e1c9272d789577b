import { ThvError } from '../errors/index.ts';
import { environmentNameProblem, environmentValueProblem } from './environment-rules.ts';
import type { ApplicationConfig } from './schema.ts';

/** Environment variables for building images (spec 09 §3.1): each comes from one source and becomes an `ENV` instruction. */

/** What is wrong with a variable's name; `undefined` when nothing is. */
export function buildVariableNameProblem(name: string): string | undefined {
  const problem = environmentNameProblem(name);
  if (problem === undefined) return undefined;
  return problem.kind === 'pattern'
    ? `invalid environment variable name: ${name} (must match pattern ${problem.pattern})`
    : `environment variable name ${name} is reserved and cannot be overridden`;
}

/** What is wrong with a variable's value, which is not repeated; `undefined` when nothing is. */
export function buildVariableValueProblem(value: string): string | undefined {
  const part = environmentValueProblem(value);
  return part === undefined
    ? undefined
    : `environment variable value contains potentially dangerous characters: contains '${part}'`;
}

export type BuildVariable =
  | { readonly source: 'literal'; readonly value: string }
  | { readonly source: 'secret'; readonly secret: string }
  | { readonly source: 'shell' };

/** `undefined` when the variable is not configured. */
export function findBuildVariable(config: ApplicationConfig, name: string): BuildVariable | undefined {
  return buildVariables(config).get(name);
}

/** Sorted by name. */
export function buildVariables(config: ApplicationConfig): ReadonlyMap<string, BuildVariable> {
  const found: readonly (readonly [string, BuildVariable])[] = [
    ...Object.entries(config.build_env ?? {}).map(
      ([name, value]) => [name, { source: 'literal', value }] as const,
    ),
    ...Object.entries(config.build_env_from_secrets ?? {}).map(
      ([name, secret]) => [name, { source: 'secret', secret }] as const,
    ),
    ...(config.build_env_from_shell ?? []).map((name) => [name, { source: 'shell' }] as const),
  ];
  return new Map(found.toSorted(([one], [other]) => (one < other ? -1 : 1)));
}

/** Throws `ERR_INPUT_INVALID` for a bad name or value, and for a variable that is configured already. */
export function withBuildVariable(
  config: ApplicationConfig,
  name: string,
  variable: BuildVariable,
): ApplicationConfig {
  const taken = findBuildVariable(config, name);
  const problem =
    buildVariableNameProblem(name) ??
    (variable.source === 'literal' ? buildVariableValueProblem(variable.value) : undefined) ??
    (taken === undefined || (taken.source === 'shell' && variable.source === 'shell')
      ? undefined
      : takenText(name, taken));
  if (problem !== undefined) throw new ThvError('ERR_INPUT_INVALID', { reason: problem });
  if (taken !== undefined) return config;
  switch (variable.source) {
    case 'literal':
      return { ...config, build_env: { ...config.build_env, [name]: variable.value } };
    case 'secret':
      return {
        ...config,
        build_env_from_secrets: { ...config.build_env_from_secrets, [name]: variable.secret },
      };
    case 'shell':
      return { ...config, build_env_from_shell: [...(config.build_env_from_shell ?? []), name] };
  }
}

function takenText(name: string, { source }: BuildVariable): string {
  const text = `key ${name} already configured ${source === 'literal' ? 'as literal value' : `from ${source}`}; unset it first`;
  return source === 'literal' ? `${text} with 'thv config unset-build-env ${name}'` : text;
}

/** Without one variable, or without all of them; what is empty then leaves the file. */
export function withoutBuildVariables(config: ApplicationConfig, name?: string): ApplicationConfig {
  const keep = (entries: Readonly<Record<string, string>> | null | undefined) => {
    const left = Object.entries(entries ?? {}).filter(([key]) => name !== undefined && key !== name);
    return left.length === 0 ? undefined : Object.fromEntries(left);
  };
  const shell = (config.build_env_from_shell ?? []).filter((key) => name !== undefined && key !== name);
  return {
    ...config,
    build_env: keep(config.build_env),
    build_env_from_secrets: keep(config.build_env_from_secrets),
    build_env_from_shell: shell.length === 0 ? undefined : shell,
  };
}
