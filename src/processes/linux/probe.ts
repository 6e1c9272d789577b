import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';

/** What a probe inside a sandbox was able to do that it must not be. */
interface ProbeResult {
  readonly breaches: readonly string[];
}

/** What the one who started the probe has laid out for it. */
export interface Bait {
  /** A file that is not granted. */
  readonly file: string;
  /** Folders where nothing may be written. */
  readonly folders: readonly string[];
  /** Files that set what the kernel does, whether they are here or not. */
  readonly settings: readonly string[];
  /** A port of this machine's loopback that something listens on. */
  readonly port: number;
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
  if (await canConnect(bait.port)) breaches.push('services of this machine can be reached');
  if (processIds().length > MAX_PROCESSES) breaches.push('other processes can be seen');
  const status = readFileSync('/proc/self/status', 'utf8');
  if (!/^NoNewPrivs:\s*1$/m.test(status)) breaches.push('privileges can be gained');
  if (/^Cap(?:Inh|Prm|Eff|Bnd|Amb):\s*0*[1-9a-f]/m.test(status)) breaches.push('it has capabilities');
  if (!/^Seccomp:\s*2$/m.test(status)) breaches.push('system calls are not filtered');
  process.stdout.write(`${JSON.stringify({ breaches } satisfies ProbeResult)}\n`);
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

function canConnect(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect({ host: '127.0.0.1', port });
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
