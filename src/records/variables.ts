import { ThvError } from '../errors/index.ts';
import type { RunConfig } from './run-config.ts';
import { findSecretParameter, type SecretParameter } from './secret-parameter.ts';
import { shownName, variableNameProblem, variableValueProblem } from './variable-name.ts';

interface Inputs {
  readonly environment: Readonly<Record<string, string>>;
  readonly secrets: readonly Pick<SecretParameter, 'target'>[];
  readonly serverArguments: readonly string[];
}

/**
 * The check of everything that a server is started with, wherever it came from: flags, files, the API, a registry, a document
 * or a client's settings. Throws `ERR_INPUT_INVALID` with the first problem.
 */
export function requireSound({ environment, secrets, serverArguments }: Inputs): void {
  const problem =
    [...Object.keys(environment), ...secrets.map(({ target }) => target)]
      .map(variableNameProblem)
      .find(isProblem) ??
    Object.entries(environment)
      .map(([name, value]) => variableValueProblem(name, value))
      .find(isProblem) ??
    serverArguments.map((argument) => nulIn('argument of the server', argument)).find(isProblem);
  if (problem !== undefined) throw new ThvError('ERR_INPUT_INVALID', { reason: problem });
}

/** The same for a document, whose volumes are texts still. */
export function requireSoundConfig({
  env_vars,
  secrets,
  cmd_args,
  volumes,
}: Pick<RunConfig, 'env_vars' | 'secrets' | 'cmd_args' | 'volumes'>): void {
  requireSound({
    environment: env_vars,
    secrets: secrets.flatMap((text) => findSecretParameter(text) ?? []),
    serverArguments: cmd_args,
  });
  const problem = volumes.map((volume) => nulIn('volume', volume)).find(isProblem);
  if (problem !== undefined) throw new ThvError('ERR_INPUT_INVALID', { reason: problem });
}

const isProblem = (problem: string | undefined) => problem !== undefined;

function nulIn(what: string, text: string): string | undefined {
  return text.includes('\0') ? `invalid ${what} ${shownName(text)}: a NUL cannot stand in it` : undefined;
}
