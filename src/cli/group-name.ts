import * as v from 'valibot';

/** What is wrong with a group's name (spec 01 §9.1); `undefined` when nothing is. */
export function findGroupNameProblem(name: string): string | undefined {
  if (name.trim() === '') return 'group name cannot be empty or consist only of whitespace';
  if (name.includes('\0')) return 'group name cannot contain null bytes';
  if (name !== name.toLowerCase()) return 'group name must be lowercase';
  const quoted = JSON.stringify(name);
  if (!/^[a-z0-9_\- ]+$/.test(name)) {
    return `group name can only contain lowercase alphanumeric characters, underscores, dashes, and spaces: ${quoted}`;
  }
  if (name !== name.trim()) return `group name cannot have leading or trailing whitespace: ${quoted}`;
  if (name.includes('  ')) return `group name cannot contain consecutive spaces: ${quoted}`;
  return undefined;
}

/** The `--group` of commands that look at a group's workloads; `''` means none. */
export const groupFlag = {
  kind: 'string',
  help: 'Filter by group',
  checkedFirst: true,
  schema: v.optional(
    v.pipe(
      v.string(),
      v.check(
        (name) => name === '' || findGroupNameProblem(name) === undefined,
        ({ input }) => `invalid group name in --group: ${findGroupNameProblem(input)}`,
      ),
    ),
    '',
  ),
} as const;
