import { check, cString, libc, systemCall } from './calls.ts';
import { forbidNewPrivileges } from './privileges.ts';

/** File rights of Landlock by the version that brought them (linux/landlock.h). */
const FILE = {
  execute: 1n << 0n,
  writeFile: 1n << 1n,
  readFile: 1n << 2n,
  readFolder: 1n << 3n,
} as const;
const FILE_RIGHTS_V1 = (1n << 13n) - 1n;
const REFER_V2 = 1n << 13n;
const TRUNCATE_V3 = 1n << 14n;
const SCOPE_ABSTRACT_SOCKETS_V6 = 1n << 0n;
const SCOPE_SIGNALS_V6 = 1n << 1n;
/** Rights that a rule on a single file may name. */
const ON_A_FILE = FILE.execute | FILE.writeFile | FILE.readFile | TRUNCATE_V3;

const O_PATH = 0o10000000;
const O_CLOEXEC = 0o2000000;
const CREATE_RULESET_VERSION = 1;
const RULE_PATH_BENEATH = 1;

export interface FileRules {
  readonly readOnly: readonly string[];
  readonly writable: readonly string[];
}

/** The version of Landlock this kernel enforces; 0 without it. */
export function landlockVersion(): number {
  return Math.max(0, systemCall('landlock_create_ruleset', 0, 0, CREATE_RULESET_VERSION));
}

/**
 * Confines this process and all it becomes to the given files, and from version 6 on keeps it from abstract sockets and
 * from sending signals to processes outside. Does nothing where the kernel has no Landlock. Paths that do not exist are skipped.
 */
export function confine(rules: FileRules): void {
  const version = landlockVersion();
  if (version === 0) return;
  const handled = FILE_RIGHTS_V1 | (version >= 2 ? REFER_V2 : 0n) | (version >= 3 ? TRUNCATE_V3 : 0n);
  const scopes = version >= 6 ? SCOPE_ABSTRACT_SOCKETS_V6 | SCOPE_SIGNALS_V6 : 0n;
  const attributes = new BigUint64Array([handled, 0n, scopes]);
  const size = version >= 6 ? 24 : version >= 4 ? 16 : 8;
  const ruleset = check(systemCall('landlock_create_ruleset', attributes, size, 0), 'landlock ruleset');
  const readable = FILE.execute | FILE.readFile | FILE.readFolder;
  for (const path of rules.readOnly) allow(ruleset, path, readable);
  for (const path of rules.writable) allow(ruleset, path, handled);
  forbidNewPrivileges();
  check(systemCall('landlock_restrict_self', ruleset, 0), 'landlock');
  libc().close(ruleset);

  function allow(fd: number, path: string, rights: bigint): void {
    const parent = libc().open(cString(path), O_PATH | O_CLOEXEC, 0);
    if (parent < 0) return;
    // A packed struct of 12 bytes: the rights, then the descriptor.
    const rule = new DataView(new ArrayBuffer(12));
    rule.setInt32(8, parent, true);
    const add = (allowed: bigint) => {
      rule.setBigUint64(0, allowed, true);
      return systemCall('landlock_add_rule', fd, RULE_PATH_BENEATH, new Uint8Array(rule.buffer), 0);
    };
    // A rule that names a folder's rights on a file is refused.
    if (add(rights) < 0) check(add(rights & ON_A_FILE & handled), `landlock rule for ${path}`);
    libc().close(parent);
  }
}
