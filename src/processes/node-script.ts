import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Writes the program that is seen as `node` where our own runtime is it. `runtime` is a link to our executable that is called
 * `node`, for then the runtime takes words as Node does; but it does not answer `node --version`, by which programs look for Node.
 */
export function writeNodeScript(path: string, runtime: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const script = `#!/bin/sh
case "$1" in
-v | --version) echo ${process.version}; exit ;;
esac
BUN_BE_BUN=1 exec '${runtime}' "$@"
`;
  // Another process of this workload may be reading it.
  rmSync(path, { force: true });
  writeFileSync(path, script);
  chmodSync(path, 0o755);
}
