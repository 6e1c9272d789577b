import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { acquireLock, type Paths, writeFileAtomic } from '../platform/index.ts';

/** `<data>/toolhive/updates.json`, shared with other versions of the program (spec 09 §9.1). */
const UpdateFileSchema = v.looseObject({
  instance_id: v.optional(v.string(), ''),
  latest_version: v.optional(v.string(), ''),
  components: v.optional(v.record(v.string(), v.looseObject({ last_check: v.string() })), {}),
});
export type UpdateFile = v.InferOutput<typeof UpdateFileSchema>;

const LOCK_TIMEOUT_MS = 3000;

/** A file that is missing or broken is an empty one; the id of this installation ('' for none) is kept if it can be made out. */
export async function readUpdateFile(paths: Pick<Paths, 'data'>): Promise<UpdateFile> {
  const text = await readFile(pathOf(paths), 'utf8').catch(() => '');
  const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), UpdateFileSchema), text);
  const file = parsed.success ? parsed.output : v.parse(UpdateFileSchema, {});
  return { ...file, instance_id: file.instance_id || (idIn(text) ?? '') };
}

/** Under the lock: reads again, applies `change`, writes. */
export async function changeUpdateFile(
  paths: Pick<Paths, 'data'>,
  change: (current: UpdateFile) => UpdateFile,
): Promise<void> {
  const path = pathOf(paths);
  using _lock = await acquireLock(`${path}.lock`, { timeoutMs: LOCK_TIMEOUT_MS });
  const changed = change(await readUpdateFile(paths));
  await writeFileAtomic(path, JSON.stringify(changed), { directoryMode: 0o700 });
}

function pathOf({ data }: Pick<Paths, 'data'>): string {
  return join(data, 'updates.json');
}

function idIn(text: string): string | undefined {
  return /"instance_id"\s*:\s*"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"/i.exec(text)?.[1];
}
