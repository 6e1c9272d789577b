import * as v from 'valibot';
import { messageOf } from '../errors/index.ts';

/** What `parse` makes of a text; what it throws is what is wrong with the flag. */
export function parsed<T>(parse: (text: string) => T, prefix?: string) {
  return v.pipe(
    v.string(),
    v.rawTransform<string, T>(({ dataset, addIssue, NEVER }) => {
      try {
        return parse(dataset.value);
      } catch (error) {
        const problem = messageOf(error);
        addIssue({ message: prefix === undefined ? problem : `${prefix}: ${problem}` });
        return NEVER;
      }
    }),
  );
}
