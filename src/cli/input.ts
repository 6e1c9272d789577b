import { keepSecret, ThvError } from '../errors/index.ts';

/** What a command reads from stdin, piped or typed. */
export interface Input {
  /** All that is left, byte order mark included. Throws `ERR_INPUT_INVALID` for what is not UTF-8 or larger than 32 MiB. */
  readAll(options: ReadOptions): Promise<string>;
  /** The next line without its end; a last line without newline counts. `undefined` at the end of input. */
  readLine(options: ReadOptions): Promise<string | undefined>;
  /**
   * A line typed without being shown; `ask` puts the question, once nothing is shown any more. Ctrl-C gives the terminal back
   * and throws `ERR_CANCELLED`. Without a terminal the next line as it comes.
   */
  readHidden(options: ReadOptions & { readonly ask: () => void }): Promise<string | undefined>;
}

interface ReadOptions {
  readonly signal: AbortSignal;
}

/** Stdin as the operating system gives it. */
export interface InputSource {
  readonly isTty: boolean;
  open(): ReadableStream<Uint8Array>;
  /** Keys come one by one and unseen, Ctrl-C among them. */
  setRawMode(isRaw: boolean): void;
}

const LARGEST_INPUT_BYTES = 32 * 1024 * 1024;
const NEWLINE = 0x0a;

export function createInput(source: InputSource): Input {
  const nextChunk = createChunkReader(source);
  let rest: Uint8Array = new Uint8Array();

  /** Bytes up to the first that `isEnd` likes, which is dropped; all there are at the end of input. */
  async function readUntil(isEnd: (byte: number) => boolean, signal: AbortSignal) {
    const taken: Uint8Array[] = [];
    let size = 0;
    let pending: Uint8Array | undefined = rest;
    rest = new Uint8Array();
    while (pending !== undefined) {
      const end = pending.findIndex(isEnd);
      if (end !== -1) {
        rest = pending.subarray(end + 1);
        return { bytes: Buffer.concat([...taken, pending.subarray(0, end)]), endedBy: pending[end] };
      }
      taken.push(pending);
      size += pending.byteLength;
      if (size > LARGEST_INPUT_BYTES)
        throw new ThvError('ERR_INPUT_INVALID', { reason: 'input is too large, limited to 32MiB' });
      pending = await nextChunk(signal);
    }
    return { bytes: Buffer.concat(taken), endedBy: undefined };
  }

  async function readLine({ signal }: ReadOptions): Promise<string | undefined> {
    const { bytes, endedBy } = await readUntil((byte) => byte === NEWLINE, signal);
    if (endedBy === undefined && bytes.byteLength === 0) return undefined;
    return decode(bytes).replace(/\r$/, '');
  }

  async function readUnshown({ ask, signal }: Parameters<Input['readHidden']>[0]) {
    if (!source.isTty) {
      ask();
      return readLine({ signal });
    }
    source.setRawMode(true);
    try {
      ask();
      return await typeLine((isEnd) => readUntil(isEnd, signal));
    } finally {
      source.setRawMode(false);
    }
  }

  return {
    readLine,
    async readAll({ signal }) {
      return decode((await readUntil(() => false, signal)).bytes);
    },
    async readHidden(options) {
      const line = await readUnshown(options);
      keepSecret(line ?? '');
      return line;
    },
  };
}

type ReadUntil = (
  isEnd: (byte: number) => boolean,
) => Promise<{ readonly bytes: Uint8Array; readonly endedBy: number | undefined }>;

const KEY = {
  ctrlC: 0x03,
  ctrlD: 0x04,
  backspace: 0x08,
  return: 0x0d,
  ctrlU: 0x15,
  escape: 0x1b,
  delete: 0x7f,
};
const CONTROLS: ReadonlySet<number> = new Set([...Object.values(KEY), NEWLINE]);

/** The line editing that the terminal would do, had it not been told to leave keys alone. */
async function typeLine(readUntil: ReadUntil): Promise<string | undefined> {
  let line = '';
  for (;;) {
    const { bytes, endedBy } = await readUntil((byte) => CONTROLS.has(byte));
    line += decode(bytes);
    if (endedBy === KEY.return || endedBy === NEWLINE) return line;
    if (endedBy === KEY.ctrlC)
      throw new ThvError('ERR_CANCELLED', { reason: 'interrupted' }, { exitCode: 130 });
    if (endedBy === undefined || endedBy === KEY.ctrlD) return line === '' ? undefined : line;
    if (endedBy === KEY.ctrlU) line = '';
    if (endedBy === KEY.backspace || endedBy === KEY.delete) line = [...line].slice(0, -1).join('');
  }
}

interface Piece {
  readonly value?: Uint8Array | undefined;
}

/** The next piece of stdin; `undefined` at its end. What a cancelled read would have got is kept for the next. */
function createChunkReader(source: InputSource) {
  let reader: { read(): Promise<Piece> } | undefined;
  let pending: Promise<Piece> | undefined;
  return async (signal: AbortSignal): Promise<Uint8Array | undefined> => {
    signal.throwIfAborted();
    reader ??= source.open().getReader();
    pending ??= reader.read();
    const aborted = Promise.withResolvers<never>();
    const abort = () => aborted.reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    try {
      const { value } = await Promise.race([pending, aborted.promise]);
      pending = undefined;
      return value;
    } finally {
      signal.removeEventListener('abort', abort);
    }
  };
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    // The decoder's own words would be about the encoding of what may be a secret.
    throw new ThvError('ERR_INPUT_INVALID', { reason: 'input is not valid UTF-8' });
  }
}

/** Stdin of this process; opened when something is read. */
export function openInput(isTty: () => boolean): Input {
  return createInput({
    get isTty() {
      return isTty();
    },
    open: () => Bun.stdin.stream(),
    setRawMode: (isRaw) => void process.stdin.setRawMode(isRaw),
  });
}
