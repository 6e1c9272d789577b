import { statSync } from 'node:fs';

/** How many files are remembered before all is forgotten; far more than anybody has workloads. */
const MAX_FILES = 5000;

/**
 * What was made of files, as long as they are the same: every writer replaces them by a rename, so that another content is
 * another file. Saves a server that lists often from reading and checking everything again.
 */
export function createFileMemory<Value>() {
  const known = new Map<string, { readonly key: string; readonly value: Value }>();
  return {
    /** The value of the file, made by `read` unless it is known; `undefined` when there is no file. */
    async through(path: string, read: () => Promise<Value | undefined>): Promise<Value | undefined> {
      // A look at the file's entry takes microseconds; handing that to another thread would take longer.
      const found = statSync(path, { bigint: true, throwIfNoEntry: false });
      if (found === undefined) {
        known.delete(path);
        return undefined;
      }
      const key = `${found.ino} ${found.mtimeNs} ${found.size}`;
      const memory = known.get(path);
      if (memory?.key === key) return memory.value;
      const value = await read();
      if (known.size >= MAX_FILES) known.clear();
      // A file replaced while it was read has another key by now, and is read again.
      if (value === undefined) known.delete(path);
      else known.set(path, { key, value });
      return value;
    },
  };
}
