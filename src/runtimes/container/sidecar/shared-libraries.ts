import { existsSync } from 'node:fs';
import { open, readFile, realpath } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { ThvError } from '../../../errors/index.ts';

/** A file that a program needs, and where in an image it is looked for. */
export interface NeededFile {
  readonly source: string;
  /** Path in the image, without the first slash. */
  readonly path: string;
}

/** Where the loaders of glibc and musl look without being told. */
const LIBRARY_FOLDER = 'lib';
const SEGMENT = { dynamic: 2, interpreter: 3, load: 1 } as const;
const ENTRY = { end: 0, needed: 1, strings: 5 } as const;
const HEADER_BYTES = 64;
const SEGMENT_BYTES = 56;

/** The loader and the libraries that a program of this Linux machine is linked with, libraries of libraries included. */
export async function sharedLibrariesOf(
  program: string,
  maps: string | undefined = undefined,
): Promise<readonly NeededFile[]> {
  const { interpreter, needed } = await readLinks(program);
  if (interpreter === undefined) return [];
  const folders = searchFolders(interpreter, maps ?? (await readFile('/proc/self/maps', 'utf8')));
  const files = new Map<string, NeededFile>();
  files.set(basename(interpreter), { source: await realpath(interpreter), path: interpreter.slice(1) });
  const queue = [...needed];
  for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
    if (files.has(name)) continue;
    const found = folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
    if (found === undefined)
      throw missing(`the library ${name} of ${program} was not found in ${folders.join(', ')}`);
    const source = await realpath(found);
    files.set(name, { source, path: `${LIBRARY_FOLDER}/${name}` });
    queue.push(...(await readLinks(source)).needed);
  }
  return [...files.values()];
}

/** Where this process has its libraries from comes first: that is the C library which is known to work. */
function searchFolders(interpreter: string, maps: string): readonly string[] {
  const mapped = [...maps.matchAll(/\s(\/\S+\.so[.\d]*)$/gm)].map(([, path = '']) => dirname(path));
  return [...new Set([...mapped, dirname(interpreter), '/lib', '/lib64', '/usr/lib', '/usr/lib64'])];
}

interface Links {
  readonly interpreter: string | undefined;
  readonly needed: readonly string[];
}

interface Segment {
  readonly type: number;
  readonly offset: number;
  readonly address: number;
  readonly bytes: number;
}

/** What an ELF file says about others (System V ABI, "Program Header" and "Dynamic Section"); 64 bits, little-endian. */
async function readLinks(path: string): Promise<Links> {
  await using file = await open(path);
  const read = async (offset: number, bytes: number) =>
    (await file.read(Buffer.alloc(bytes), 0, bytes, offset)).buffer;
  const header = await read(0, HEADER_BYTES);
  if (header.toString('latin1', 0, 4) !== '\x7fELF' || header[4] !== 2 || header[5] !== 1)
    throw missing(`${path} is no program for 64-bit Linux`);
  const count = header.readUInt16LE(56);
  const table = await read(Number(header.readBigUInt64LE(32)), count * SEGMENT_BYTES);
  const segments = Array.from({ length: count }, (_, index): Segment => {
    const at = index * SEGMENT_BYTES;
    return {
      type: table.readUInt32LE(at),
      offset: Number(table.readBigUInt64LE(at + 8)),
      address: Number(table.readBigUInt64LE(at + 16)),
      bytes: Number(table.readBigUInt64LE(at + 32)),
    };
  });
  const find = (type: number) => segments.find((segment) => segment.type === type);
  const loader = find(SEGMENT.interpreter);
  const dynamic = find(SEGMENT.dynamic);
  const interpreter =
    loader === undefined
      ? undefined
      : (await read(loader.offset, loader.bytes)).toString('latin1').replace(/\0.*$/s, '');
  if (dynamic === undefined) return { interpreter, needed: [] };
  const entries = entriesOf(await read(dynamic.offset, dynamic.bytes));
  const strings = fileOffset(entries.find(({ tag }) => tag === ENTRY.strings)?.value ?? 0, segments);
  const names = entries
    .filter(({ tag }) => tag === ENTRY.needed)
    .map(async ({ value }) => (await read(strings + value, 256)).toString('latin1').replace(/\0.*$/s, ''));
  return { interpreter, needed: await Promise.all(names) };
}

function entriesOf(section: Buffer): readonly { readonly tag: number; readonly value: number }[] {
  const entries = Array.from({ length: Math.floor(section.length / 16) }, (_, index) => ({
    tag: Number(section.readBigInt64LE(index * 16)),
    value: Number(section.readBigUInt64LE(index * 16 + 8)),
  }));
  const end = entries.findIndex(({ tag }) => tag === ENTRY.end);
  return end < 0 ? entries : entries.slice(0, end);
}

function fileOffset(address: number, segments: readonly Segment[]): number {
  const holder = segments.find(
    (segment) =>
      segment.type === SEGMENT.load &&
      address >= segment.address &&
      address < segment.address + segment.bytes,
  );
  return holder === undefined ? address : address - holder.address + holder.offset;
}

function missing(reason: string): ThvError {
  return new ThvError('ERR_SYSTEM', { reason: `the image of the egress sidecar cannot be made: ${reason}` });
}
