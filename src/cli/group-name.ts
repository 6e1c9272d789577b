import * as v from 'valibot';
import { findGroupNameProblem } from '../groups/index.ts';

/** A group's name, or `''`, which says none. */
export const GroupName = v.pipe(
  v.string(),
  v.check(
    (name) => name === '' || findGroupNameProblem(name) === undefined,
    ({ input }) => `invalid group name in --group: ${findGroupNameProblem(input)}`,
  ),
);

/** The `--group` of commands that look at a group's workloads. */
export const groupFlag = {
  kind: 'string',
  help: 'Filter by group',
  checkedFirst: true,
  schema: v.optional(GroupName, ''),
} as const;
