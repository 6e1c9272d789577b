import { ThvError } from '../errors/index.ts';
import { variableNameProblem } from './variable-name.ts';

/** How a document refers to a secret: `NAME,target=VARIABLE` (spec 02 §7.4, spec 09 §5.9). */
export interface SecretParameter {
  readonly name: string;
  /** Environment variable of the workload. */
  readonly target: string;
}

/** `undefined` for a text of another form. */
export function findSecretParameter(text: string): SecretParameter | undefined {
  const [, name, target] = /^([^,]+),target=(.+)$/s.exec(text) ?? [];
  return name === undefined || target === undefined ? undefined : { name, target };
}

/** As it stands in a document. */
export function formatSecretParameter({ name, target }: SecretParameter): string {
  return `${name},target=${target}`;
}

/** Throws `ERR_SECRET_PARAMETER_INVALID`, or `ERR_INPUT_INVALID` for a target that no variable can have as its name. */
export function parseSecretParameter(text: string): SecretParameter {
  const parameter = findSecretParameter(text);
  const problem = parameter && variableNameProblem(parameter.target);
  if (problem !== undefined)
    throw new ThvError('ERR_INPUT_INVALID', { reason: `invalid secret target: ${problem}` });
  if (parameter === undefined) throw new ThvError('ERR_SECRET_PARAMETER_INVALID', { parameter: text });
  return parameter;
}
