import * as v from 'valibot';
import { DEFAULT_GROUP, findGroupNameProblem } from '../groups/index.ts';

/** A group's name, or `''`, which says none. */
const GroupName = v.pipe(
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

/** The `--group` of commands that put something into a group. */
export const ownGroupFlag = {
  kind: 'string',
  help: "Name of the group this workload belongs to (defaults to 'default' if not specified)",
  checkedFirst: true,
  schema: v.optional(GroupName, DEFAULT_GROUP),
} as const;

/** The `--group` of commands that may name several groups, apart or separated by commas. */
export const GroupNames = v.pipe(
  v.array(v.string()),
  v.transform((names) => names.filter((name) => name !== '')),
  v.array(GroupName),
);
