import { existsSync, type Stats } from 'node:fs';
import { lstat, mkdir, readFile, readlink, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { messageOf, ThvError } from '../errors/index.ts';
import { isLoopbackHost } from '../net/index.ts';
import { acquireLock, writeFileAtomic } from '../platform/index.ts';
import { entriesOf, isOnlyChange } from './formats/entries.ts';
import { loadFormat } from './formats/load.ts';
import type { Emptiness, SettingsFormat } from './formats/types.ts';
import type { Ledger, LedgerStore } from './ledger.ts';
import type { Client, Entry, Places, Server } from './types.ts';

const LOCK_TIMEOUT_MS = 5000;
const MAX_LINKS = 40;
const BOM = '\uFEFF';

/** A client's settings file on this machine. */
export interface SettingsFile {
  readonly client: Client;
  readonly places: Places;
  readonly path: string;
}

/** Entries to write, and names of entries that go if they are ours. */
export interface Change {
  readonly add: readonly Server[];
  /** `url` is what the server would be written with now; undefined when nobody knows it any more. */
  readonly remove: readonly { readonly name: string; readonly url: string | undefined }[];
  /** Everything we ever wrote goes too, except these names. */
  readonly removeWrittenExcept?: ReadonlySet<string>;
}

interface Content {
  readonly text: string;
  readonly bom: boolean;
}

/** The servers that a client's settings hold; none when the file is missing. Throws `ERR_CLIENT_SETTINGS_INVALID`. */
export async function readEntries({ client, path }: SettingsFile): Promise<ReadonlyMap<string, Entry>> {
  const format = await loadFormat(client.format);
  const content = await readContent(await targetOf(path), path, format);
  return content === undefined ? new Map() : entriesOf(parsed(format, content.text, path), client.section);
}

/**
 * Changes a client's settings under their lock (spec 09 §6.7): bytes outside the entries stay, links are written through,
 * mode and owner stay, the state before our first change is kept beside it as `<file>.thv.bak`. Gives whether the file
 * was made. Throws `ERR_CLIENT_SETTINGS_INVALID`, `ERR_CLIENT_SETTINGS_READ_ONLY`, `ERR_LOCK_TIMEOUT`.
 */
export async function changeSettings(
  file: SettingsFile,
  change: Change,
  ledgers: LedgerStore,
): Promise<{ readonly created: boolean }> {
  const { client, path } = file;
  const target = await targetOf(path);
  const isThere = (await stat(target).catch(() => undefined)) !== undefined;
  // No lock file is left in folders of programs that are not there.
  if (!isThere && change.add.length === 0) return { created: false };
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  using _lock = await acquireLock(`${path}.lock`, { timeoutMs: LOCK_TIMEOUT_MS });
  const ledger = await ledgers.read(client.id, path);
  const removals = removalsOf(change, ledger);
  if (change.add.length + removals.length === 0) return { created: false };
  const format = await loadFormat(client.format);
  const content = await readContent(target, path, format);
  if (content === undefined && change.add.length === 0) return { created: false };

  const edit = createEdit({ ...file, format, ledger, content });
  for (const { name, url } of removals) edit.remove(name, url);
  for (const server of change.add) edit.add(server);
  const { text, ledger: written } = edit.result();

  const isChanged = content === undefined || text !== content.text;
  // What we are about to write is ours even if we die before we can say so; what we take out stays ours until it is out.
  const during = { ...written, servers: { ...ledger.servers, ...written.servers } };
  if (!isDeepStrictEqual(during, ledger)) await ledgers.write(client.id, during);
  // A file that holds what we wrote earlier has had its backup, unless we made it, and then there is nothing to keep.
  const isFirst = Object.keys(ledger.servers).length === 0 && ledger.before === undefined;
  if (isChanged) await write(path, target, content?.bom === true ? BOM + text : text, isFirst);
  if (!isDeepStrictEqual(written, during)) await ledgers.write(client.id, written);
  return { created: content === undefined };
}

/** Fails as `changeSettings` would, and changes nothing. */
export async function checkSettings({ client, path }: SettingsFile): Promise<void> {
  const target = await targetOf(path);
  const format = await loadFormat(client.format);
  if ((await readContent(target, path, format)) !== undefined) await refuseReadOnly(path, target);
}

function removalsOf({ remove, removeWrittenExcept }: Change, { servers }: Ledger): Change['remove'] {
  if (removeWrittenExcept === undefined) return remove;
  const written = Object.keys(servers).filter((name) => !removeWrittenExcept.has(name));
  return [...remove, ...written.map((name) => ({ name, url: undefined }))];
}

interface EditOptions extends SettingsFile {
  readonly format: SettingsFormat;
  readonly ledger: Ledger;
  readonly content: Content | undefined;
}

/** Changes of one file's text and of what we know of it, one entry after the other. */
function createEdit({ client, places, path, format, ledger, content }: EditOptions) {
  const { section } = client;
  const servers = new Map(Object.entries(ledger.servers));
  let before: Emptiness | undefined = ledger.before;
  let text = content?.text ?? '';

  const accept = (after: string, name: string, entry: Entry | undefined) => {
    if (after !== text && !isOnlyChange(format, section, { before: text, after }, { name, entry })) {
      const reason = `cannot change '${name}' in ${path} without touching the rest of the file; edit it by hand`;
      throw new ThvError('ERR_CLIENT_SETTINGS_INVALID', { path, reason });
    }
    text = after;
  };
  const attempt = (edit: () => string) => {
    try {
      return edit();
    } catch (error) {
      throw invalid(format, path, error);
    }
  };

  return {
    add(server: Server) {
      before = emptinessOf({ client, format, content }, text) ?? before;
      if (client.emptyFile !== undefined && text.trim() === '') text = client.emptyFile;
      const entry = client.entry(server, places);
      accept(
        attempt(() => format.set(text, section, server.name, entry)),
        server.name,
        entry,
      );
      servers.set(server.name, server.url);
    },
    remove(name: string, url: string | undefined) {
      const entry = entriesOf(format.values(text), section).get(name);
      const known = [url, servers.get(name)];
      servers.delete(name);
      if (entry === undefined || !isOurs(client, name, entry, known)) return;
      accept(
        attempt(() => format.remove(text, section, name, before)),
        name,
        undefined,
      );
      if (text === client.emptyFile && before?.file !== undefined) text = before.file;
    },
    result: () => ({
      text,
      ledger: {
        file: path,
        servers: Object.fromEntries(servers),
        ...(before === undefined ? {} : { before }),
      } satisfies Ledger,
    }),
  };
}

/** A file that we make holds nothing but what the client insists on, should our entries leave it (spec 09 §6.6). */
function emptinessOf(
  { client, format, content }: Pick<EditOptions, 'client' | 'format' | 'content'>,
  text: string,
): Emptiness | undefined {
  if (content === undefined && text === '')
    return { section: null, file: client.emptyFile ?? (format.label === 'JSON' ? '{}\n' : '') };
  return format.emptiness(text, client.section);
}

/** An entry is ours when its URL is one we wrote, or leads to the port that the workload has (spec 09 §10.20). */
function isOurs(client: Client, name: string, entry: Entry, known: readonly (string | undefined)[]): boolean {
  if (client.startsOurs !== undefined) return client.startsOurs(entry, name);
  const [written] = client.urlKeys.flatMap((key) => entry[key] ?? []);
  if (typeof written !== 'string') return false;
  return known.some((url) => url !== undefined && (url === written || isSamePort(url, written)));
}

function isSamePort(one: string, other: string): boolean {
  if (!URL.canParse(one) || !URL.canParse(other)) return false;
  const [a, b] = [new URL(one), new URL(other)];
  return isLoopbackHost(a.hostname) && isLoopbackHost(b.hostname) && a.port === b.port;
}

async function readContent(
  target: string,
  path: string,
  format: SettingsFormat,
): Promise<Content | undefined> {
  let text: string;
  try {
    // `fatal`: another encoding read as this one would be written back broken.
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(await readFile(target));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw invalid(format, path, error);
  }
  const bom = text.startsWith(BOM);
  const content = { text: bom ? text.slice(BOM.length) : text, bom };
  parsed(format, content.text, path);
  return content;
}

function parsed(format: SettingsFormat, text: string, path: string) {
  try {
    return format.values(text);
  } catch (error) {
    throw invalid(format, path, error);
  }
}

function invalid(format: SettingsFormat, path: string, error: unknown): ThvError {
  if (error instanceof ThvError) return error;
  const reason = `failed to validate config file format: failed to parse ${format.label} for file ${path}: ${messageOf(error)}`;
  return new ThvError('ERR_CLIENT_SETTINGS_INVALID', { path, reason }, { cause: error });
}

/** The file that a link leads to, existing or not: people keep their settings in a repository of their own. */
async function targetOf(path: string): Promise<string> {
  let target = path;
  for (let links = 0; links < MAX_LINKS; links++) {
    const found = await lstat(target).catch(() => undefined); // missing: this is where it would be
    if (found?.isSymbolicLink() !== true) return target;
    target = resolve(dirname(target), await readlink(target));
  }
  throw new ThvError('ERR_CLIENT_SETTINGS_INVALID', { path, reason: `too many symbolic links: ${path}` });
}

async function write(path: string, target: string, text: string, isFirst: boolean): Promise<void> {
  const there = await stat(target).catch(() => undefined);
  if (there !== undefined) {
    await refuseReadOnly(path, target);
    if (isFirst) await keepBackup(path, target, there);
  }
  await writeFileAtomic(target, text, { directoryMode: 0o700, like: there });
}

/** A rename would work despite the mode, but a user who made the file read-only meant it. */
async function refuseReadOnly(path: string, target: string): Promise<void> {
  if (((await stat(target)).mode & 0o222) === 0)
    throw new ThvError('ERR_CLIENT_SETTINGS_READ_ONLY', { path });
}

/** The state before our first change; a second one does not touch it (spec 09 §10.15). */
async function keepBackup(path: string, target: string, like: Stats): Promise<void> {
  const backup = `${path}.thv.bak`;
  if (existsSync(backup)) return;
  await writeFileAtomic(backup, await readFile(target), { like });
}
