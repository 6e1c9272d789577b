import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Writes the program that servers see as `node` when our own runtime stands in for it. `runtime` is a link to our executable named
 * `node`, because under that name the runtime takes arguments as Node does. It does not answer `node --version`, which programs use
 * to detect Node; the script does.
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
