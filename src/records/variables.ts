import { ThvError } from '../errors/index.ts';
import type { RunConfig } from './run-config.ts';
import { findSecretParameter } from './secret-parameter.ts';
import { shownName, variableNameProblem, variableValueProblem } from './variable-name.ts';

/**
 * The door for everything that a server is started with, wherever it came from: flags, files, the API, a registry, a document
 * or a client's settings. Throws `ERR_INPUT_INVALID` with the first problem.
 */
export function requireSound({
  env_vars,
  secrets,
  cmd_args,
  volumes,
}: Pick<RunConfig, 'env_vars' | 'secrets' | 'cmd_args' | 'volumes'>): void {
  const targets = secrets.flatMap((text) => findSecretParameter(text)?.target ?? []);
  const problem =
    [...Object.keys(env_vars), ...targets].map(variableNameProblem).find(isProblem) ??
    Object.entries(env_vars)
      .map(([name, value]) => variableValueProblem(name, value))
      .find(isProblem) ??
    cmd_args.map((argument) => nulIn('argument of the server', argument)).find(isProblem) ??
    volumes.map((volume) => nulIn('volume', volume)).find(isProblem);
  if (problem !== undefined) throw new ThvError('ERR_INPUT_INVALID', { reason: problem });
}

const isProblem = (problem: string | undefined) => problem !== undefined;

function nulIn(what: string, text: string): string | undefined {
  return text.includes('\0') ? `invalid ${what} ${shownName(text)}: a NUL cannot stand in it` : undefined;
}
