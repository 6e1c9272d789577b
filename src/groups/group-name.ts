const MAX_LENGTH = 64;

/** What is wrong with a group's name (spec 01 §9.1, spec 09 §10.22); `undefined` when nothing is. */
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
  if (name.length > MAX_LENGTH) return `group name cannot be longer than ${MAX_LENGTH} characters: ${quoted}`;
  return undefined;
}
