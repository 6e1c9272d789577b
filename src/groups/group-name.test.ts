import { expect, test } from 'bun:test';
import { findGroupNameProblem } from './group-name.ts';

const CHARACTERS =
  'group name can only contain lowercase alphanumeric characters, underscores, dashes, and spaces: ';

const rows: readonly (readonly [string, string | undefined])[] = [
  ['default', undefined],
  ['my group_1-x', undefined],
  ['', 'group name cannot be empty or consist only of whitespace'],
  [' \t', 'group name cannot be empty or consist only of whitespace'],
  ['a\0', 'group name cannot contain null bytes'],
  ['Web', 'group name must be lowercase'],
  ['a/b', `${CHARACTERS}"a/b"`],
  ['a\tb', `${CHARACTERS}"a\\tb"`],
  [' a', 'group name cannot have leading or trailing whitespace: " a"'],
  ['a'.repeat(64), undefined],
  ['a'.repeat(65), `group name cannot be longer than 64 characters: "${'a'.repeat(65)}"`],
  ['a  b', 'group name cannot contain consecutive spaces: "a  b"'],
];

test.each(rows)('%j', (name, problem) => {
  expect(findGroupNameProblem(name)).toBe(problem);
});
