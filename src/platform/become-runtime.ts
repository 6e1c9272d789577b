import { basename } from 'node:path';
import { selfCommand } from './self.ts';

/** Node has it since 23.11; its types for our runtime do not. */
type Become = (
  file: string,
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
) => never;

const NAMES: ReadonlySet<string> = new Set(['node', 'bun', 'bunx']);

/**
 * Becomes the JavaScript runtime in this executable when it was called by the name of one: packages see it as `node`, and their
 * programs start others without the variable that would say so. Parts of the sandbox are called by such a name too.
 */
export function becomeRuntimeIfCalledSo(): void {
  const isCompiled = selfCommand().length === 1;
  const [first] = process.argv.slice(2);
  if (!isCompiled || process.platform === 'win32' || first === '__sandbox') return;
  if (!NAMES.has(basename(process.argv0))) return;
  const become: Become | undefined = Reflect.get(process, 'execve');
  become?.call(process, process.execPath, [process.argv0, ...process.argv.slice(2)], {
    ...process.env,
    BUN_BE_BUN: '1',
  });
}
