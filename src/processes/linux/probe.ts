import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  statfsSync,
  writeFileSync,
} from 'node:fs';
import { connect } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import type { Size } from '../filesystem-view.ts';

/** What a probe inside a sandbox was able to do that it must not be. */
interface ProbeResult {
  readonly breaches: readonly string[];
  /** What is not held as tightly as it could be. */
  readonly weaknesses: readonly string[];
}

/** What the one who started the probe has laid out for it. */
export interface Bait {
  /** A file that is not granted. */
  readonly file: string;
  /** Folders where nothing may be written. */
  readonly folders: readonly string[];
  /** Files that set what the kernel does, whether they are here or not. */
  readonly settings: readonly string[];
  /** A port of this machine that something listens on, and the addresses to try it at. */
  readonly port: number;
  readonly addresses: readonly string[];
  /** Name of an abstract socket that something listens on. */
  readonly abstract: string;
  /** It is to be connected with the rest of the world. */
  readonly isOpen: boolean;
  /** Folders in memory, with what may be in them at most. */
  readonly sizes: Readonly<Record<string, Size>>;
}

/** `thv __sandbox probe`: tries to get out, and says on stdout where it got. */
export async function probe(words: readonly string[]): Promise<number> {
  const bait: Bait = JSON.parse(words[0] ?? '');
  const breaches: string[] = [];
  if (canRead(bait.file)) breaches.push('files that are not granted can be read');
  for (const path of bait.settings) if (canOpen(path)) breaches.push(`${path} can be written to`);
  for (const path of ['/proc', '/sys']) {
    const found = settingIn(path);
    if (found !== undefined) breaches.push(`${found} can be written to`);
  }
  for (const folder of bait.folders) if (canWrite(folder)) breaches.push(`${folder} can be written to`);
  const reached = await Promise.all(
    [...bait.addresses, ...gateways()].flatMap(placesAt).map(async (host) => {
      const isReached = await canConnect({ host, port: bait.port });
      return isReached ? [`services of this machine can be reached at ${host}`] : [];
    }),
  );
  breaches.push(...reached.flat());
  if (await canConnect({ path: `\0${bait.abstract}` }))
    breaches.push('abstract sockets of this machine can be reached');
  if (bait.isOpen && Object.keys(networkInterfaces()).length < 2)
    breaches.push('nothing else can be reached either');
  if (processIds().length > MAX_PROCESSES) breaches.push('other processes can be seen');
  const status = readFileSync('/proc/self/status', 'utf8');
  if (!/^NoNewPrivs:\s*1$/m.test(status)) breaches.push('privileges can be gained');
  if (/^Cap(?:Inh|Prm|Eff|Bnd|Amb):\s*0*[1-9a-f]/m.test(status)) breaches.push('it has capabilities');
  if (!/^Seccomp:\s*2$/m.test(status)) breaches.push('system calls are not filtered');
  const weaknesses = Object.entries(bait.sizes).flatMap(([path, size]) => problemOfSize(path, size));
  process.stdout.write(`${JSON.stringify({ breaches, weaknesses } satisfies ProbeResult)}\n`);
  return 0;
}

/** Process 1, the probe, and what starts and ends beside them. */
const MAX_PROCESSES = 5;
const CONNECT_TIMEOUT_MS = 500;

function canRead(path: string): boolean {
  try {
    readFileSync(path);
    return true;
  } catch {
    return existsSync(path);
  }
}

function canWrite(folder: string): boolean {
  try {
    writeFileSync(`${folder}/.thv-probe`, '');
    return true;
  } catch {
    return false; // as it should be
  }
}

/** Nothing is written: to some of them that would be the end of the machine. */
function canOpen(path: string): boolean {
  try {
    closeSync(openSync(path, constants.O_WRONLY));
    return true;
  } catch {
    return false; // as it should be
  }
}

/** The first file below `folder` that could be written to, those of processes excepted, which are the processes' own. */
function settingIn(folder: string): string | undefined {
  for (const entry of entriesOf(folder)) {
    if (/^(?:\d+|self|thread-self)$/.test(entry.name) || entry.isSymbolicLink()) continue;
    const path = join(folder, entry.name);
    const found = entry.isDirectory()
      ? settingIn(path)
      : isWritable(path) && canOpen(path)
        ? path
        : undefined;
    if (found !== undefined) return found;
  }
  return undefined;
}

function entriesOf(folder: string) {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    return []; // not there, or not to be looked into
  }
}

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** An address of the link is one at each interface. */
function placesAt(address: string): readonly string[] {
  if (!address.startsWith('fe80:')) return [address];
  return Object.keys(networkInterfaces()).map((name) => `${address}%${name}`);
}

/** Gateway addresses, where a tool that connects a namespace may expose the machine itself. */
function gateways(): readonly string[] {
  const routes = readFileSync('/proc/net/route', 'utf8');
  return [...routes.matchAll(/^\S+\t00000000\t([0-9A-F]{8})\t/gm)].flatMap(([, hex = '']) => {
    // In the machine's order of bytes.
    const address = hex
      .match(/../g)
      ?.reverse()
      .map((byte) => Number.parseInt(byte, 16));
    return address === undefined ? [] : [address.join('.')];
  });
}

function problemOfSize(path: string, { bytes, files }: Size): readonly string[] {
  const found = statfsSync(path);
  return [
    ...(found.blocks * found.bsize > bytes
      ? [`the size of ${path}, which is in memory, is not limited`]
      : []),
    ...(found.files > files ? [`the number of files in ${path}, which is in memory, is not limited`] : []),
  ];
}

function canConnect(
  to: { readonly host: string; readonly port: number } | { readonly path: string },
): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect(to);
  const timer = setTimeout(() => resolve(false), CONNECT_TIMEOUT_MS);
  socket.on('connect', () => resolve(true)).on('error', () => resolve(false));
  return promise.finally(() => {
    clearTimeout(timer);
    socket.destroy();
  });
}

function processIds(): readonly string[] {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name));
}
