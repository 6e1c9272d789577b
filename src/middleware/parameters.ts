import * as v from 'valibot';
import { ThvError } from '../errors/index.ts';

/** Parameters of a stored middleware in their normal form; throws `ERR_RUN_CONFIG_INVALID` naming every problem. */
export function parseParameters<Schema extends v.GenericSchema>(
  type: string,
  schema: Schema,
  parameters: unknown,
): v.InferOutput<Schema> {
  const parsed = v.safeParse(schema, parameters ?? {});
  if (parsed.success) return parsed.output;
  const problems = parsed.issues.map((issue) => {
    const path = v.getDotPath(issue);
    return path === null ? issue.message : `${path}: ${issue.message}`;
  });
  throw new ThvError('ERR_RUN_CONFIG_INVALID', {
    reason: `invalid parameters of middleware ${type}: ${problems.join('; ')}`,
  });
}
