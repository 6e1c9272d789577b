import { readFileSync, statSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { messageOf, ThvError } from '../errors/index.ts';
import { writeFileAtomic } from '../platform/index.ts';
import { type Definition, type Fingerprint, fingerprintOf } from './definition.ts';

/** The tools of a workload as they were approved: `<state>/toolhive/tool-locks/<base>.json`. */
export interface ToolLock {
  /** RFC 3339. */
  readonly lockedAt: string;
  readonly tools: ReadonlyMap<string, LockedTool>;
}

interface LockedTool extends Fingerprint {
  readonly definition: Definition;
}

const LockSchema = v.object({
  version: v.literal(1),
  locked_at: v.string(),
  tools: v.array(
    v.object({
      name: v.string(),
      hash: v.string(),
      definition: v.looseObject({ name: v.string() }),
    }),
  ),
});

export function lockPath(stateFolder: string, workload: string): string {
  return join(stateFolder, 'tool-locks', `${workload}.json`);
}

/** `undefined`: nothing was locked. Throws `ERR_TOOL_LOCK_INVALID` for a file that is not as it was written. */
export function readLock(path: string): ToolLock | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw unusable(path, messageOf(error));
  }
  const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), LockSchema), text);
  if (!parsed.success) throw unusable(path, parsed.issues[0].message);
  const tools = new Map<string, LockedTool>();
  for (const { name, hash, definition } of parsed.output.tools) {
    const fingerprint = fingerprintOf(definition as Definition);
    if (fingerprint.hash !== hash || definition.name !== name)
      throw unusable(path, `the hash of ${name} does not belong to its definition`);
    tools.set(name, { ...fingerprint, definition: definition as Definition });
  }
  return { lockedAt: parsed.output.locked_at, tools };
}

export async function writeLock(path: string, tools: readonly Definition[], now: Date): Promise<void> {
  const sorted = tools
    .map((definition) => ({
      name: String(definition.name),
      hash: fingerprintOf(definition).hash,
      definition,
    }))
    .sort((left, right) => (left.name < right.name ? -1 : 1));
  const document = { version: 1, locked_at: now.toISOString(), tools: sorted };
  await writeFileAtomic(path, `${JSON.stringify(document, null, 2)}\n`, { directoryMode: 0o700 });
}

export async function deleteLock(path: string): Promise<void> {
  await rm(path, { force: true });
}

/** Reads the lock of a workload again only when its file is another one. Throws what `readLock` throws. */
export function createLockReader(path: string): () => ToolLock | undefined {
  let stamp: string | undefined;
  let lock: ToolLock | undefined;
  return () => {
    const present = stampOf(path);
    if (present !== stamp) {
      lock = present === 'none' ? undefined : readLock(path);
      stamp = present;
    }
    return lock;
  };
}

function stampOf(path: string): string {
  try {
    const { ino, size, mtimeNs } = statSync(path, { bigint: true });
    return `${ino} ${size} ${mtimeNs}`;
  } catch {
    return 'none';
  }
}

function unusable(path: string, reason: string): ThvError {
  return new ThvError(
    'ERR_TOOL_LOCK_INVALID',
    { path, reason: `the locked tools in ${path} cannot be used: ${reason}` },
    {
      hint: "look at the tools with 'thv mcp list tools', then lock them again with 'thv lock NAME --update'",
    },
  );
}
