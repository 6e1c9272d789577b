import { existsSync } from 'node:fs';
import { link, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { messageOf, ThvError } from '../errors/index.ts';
import { acquireLock, writeFileAtomic } from '../platform/index.ts';
import { listJsonNames, readIfPresent } from '../records/index.ts';
import { findGroupNameProblem } from './group-name.ts';

/** The group that workloads belong to when nothing else was said. */
export const DEFAULT_GROUP = 'default';

const LOCK_TIMEOUT_MS = 5000;
const FOLDER_MODE = 0o750;

/** Loose: what another program version wrote in a group's file stays in it (spec 09 §10.2). */
const GroupSchema = v.looseObject({
  name: v.string(),
  registered_clients: v.nullish(v.array(v.string()), () => []),
});
type GroupFile = v.InferOutput<typeof GroupSchema>;

export interface Group {
  readonly name: string;
  /** Client ids whose settings hold the group's workloads. */
  readonly clients: readonly string[];
}

/** Group files: `<state>/toolhive/groups/<group>.json` (spec 09 §7). Workloads name their group in their own documents. */
interface GroupStore {
  /** In byte order. */
  names(): Promise<readonly string[]>;
  /** In byte order of their names. Throws `ERR_GROUP_FILE_INVALID`. */
  list(): Promise<readonly Group[]>;
  /** Throws `ERR_GROUP_FILE_INVALID`. */
  find(name: string): Promise<Group | undefined>;
  /** Throws `ERR_GROUP_NOT_FOUND`, `ERR_GROUP_FILE_INVALID`. */
  get(name: string): Promise<Group>;
  /** When several callers create one group at once, one succeeds. Throws `ERR_GROUP_NAME_INVALID`, `ERR_GROUP_EXISTS`. */
  create(name: string): Promise<Group>;
  /**
   * Changes the list of clients under the group's lock; other keys of the file stay. Throws `ERR_GROUP_NOT_FOUND`,
   * `ERR_GROUP_FILE_INVALID`, `ERR_LOCK_TIMEOUT`.
   */
  updateClients(name: string, change: (clients: readonly string[]) => readonly string[]): Promise<void>;
  /** Throws `ERR_GROUP_PROTECTED` for the default group, `ERR_GROUP_NOT_FOUND`. */
  delete(name: string): Promise<void>;
}

/** `stateFolder` is `<state>/toolhive`. */
export function createGroupStore(stateFolder: string): GroupStore {
  const folder = join(stateFolder, 'groups');
  const pathOf = (name: string) => join(folder, `${name}.json`);

  async function findFile(name: string): Promise<GroupFile | undefined> {
    // A name with a separator in it must not lead out of the folder.
    if (findGroupNameProblem(name) !== undefined) return undefined;
    const text = await readIfPresent(pathOf(name));
    return text === undefined ? undefined : parse(text, pathOf(name));
  }

  async function getFile(name: string): Promise<GroupFile> {
    const file = await findFile(name);
    if (file === undefined) throw new ThvError('ERR_GROUP_NOT_FOUND', { group: name });
    return file;
  }

  async function find(name: string): Promise<Group | undefined> {
    const file = await findFile(name);
    return file === undefined ? undefined : viewOf(name, file);
  }

  async function names(): Promise<readonly string[]> {
    const found = await listJsonNames(folder);
    return found.filter((name) => findGroupNameProblem(name) === undefined).sort();
  }

  const lock = (name: string) => acquireLock(`${pathOf(name)}.lock`, { timeoutMs: LOCK_TIMEOUT_MS });

  return {
    names,
    async list() {
      const groups = await Promise.all((await names()).map(find));
      return groups.filter((group) => group !== undefined);
    },
    find,
    get: async (name) => viewOf(name, await getFile(name)),
    async create(name) {
      const problem = findGroupNameProblem(name);
      if (problem !== undefined)
        throw new ThvError('ERR_GROUP_NAME_INVALID', { group: name, reason: problem });
      if (!(await createFile(folder, name))) throw new ThvError('ERR_GROUP_EXISTS', { group: name });
      return { name, clients: [] };
    },
    async updateClients(name, change) {
      await getFile(name); // before the lock, whose file would make the folder of a group that is not there
      using _lock = await lock(name);
      const file = await getFile(name);
      const changed = { ...file, registered_clients: [...change(file.registered_clients)] };
      await writeFileAtomic(pathOf(name), format(changed));
    },
    async delete(name) {
      if (name.toLowerCase() === DEFAULT_GROUP) throw new ThvError('ERR_GROUP_PROTECTED', { group: name });
      await getFile(name);
      using _lock = await lock(name);
      await rm(pathOf(name), { force: true });
    },
  };
}

/** The default group always does: it is made when it is first needed. */
export function groupExists(stateFolder: string, name: string): boolean {
  return name === DEFAULT_GROUP || (findGroupNameProblem(name) === undefined && hasFile(stateFolder, name));
}

/** Makes the group that workloads belong to when nothing else was said. */
export async function ensureDefaultGroup(stateFolder: string): Promise<void> {
  if (!hasFile(stateFolder, DEFAULT_GROUP)) await createFile(join(stateFolder, 'groups'), DEFAULT_GROUP);
}

function hasFile(stateFolder: string, name: string): boolean {
  return existsSync(join(stateFolder, 'groups', `${name}.json`));
}

/** `false` when the file is there already: a hard link fails when somebody else was faster (spec 02 §3.2). */
async function createFile(folder: string, name: string): Promise<boolean> {
  await mkdir(folder, { recursive: true, mode: FOLDER_MODE });
  const temporary = join(folder, `.${name}.json.tmp-${crypto.randomUUID()}`);
  await writeFile(temporary, format({ name, registered_clients: [] }), { mode: 0o600 });
  try {
    await link(temporary, join(folder, `${name}.json`));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(temporary, { force: true });
  }
}

function parse(text: string, path: string): GroupFile {
  const invalid = (reason: string, cause?: unknown) =>
    new ThvError(
      'ERR_GROUP_FILE_INVALID',
      { path, reason: `failed to read group file ${path}: ${reason}` },
      { cause, hint: 'repair the file, or remove it' },
    );
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch (error) {
    throw invalid(messageOf(error), error);
  }
  const result = v.safeParse(GroupSchema, raw);
  if (result.success) return result.output;
  throw invalid(
    result.issues.map((issue) => `${v.getDotPath(issue) ?? 'document'}: ${issue.message}`).join('; '),
  );
}

function format(file: GroupFile): string {
  return `${JSON.stringify(file, undefined, 2)}\n`;
}

/** The file's own name counts, not what a copy of another file says. */
function viewOf(name: string, { registered_clients }: GroupFile): Group {
  return { name, clients: registered_clients };
}
