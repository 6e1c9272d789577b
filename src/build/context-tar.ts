import { messageOf, ThvError } from '../errors/index.ts';

/** One entry of a build context, by its path in it. */
export type ContextEntry = { readonly path: string } & (
  | { readonly kind: 'text'; readonly content: string; readonly mode: number }
  | { readonly kind: 'file'; readonly source: string; readonly sizeBytes: number; readonly mode: number }
  | { readonly kind: 'folder'; readonly mode: number }
  | { readonly kind: 'link'; readonly target: string }
);

/** A fixed time: engines compare contexts by content and mode, and two tars of the same content are the same bytes. */
const MODIFIED = new Date(0);

/** The tar of a build context, made while it is read; a file on disk is never whole in memory. Throws `ERR_BUILD_INPUT_INVALID`. */
export async function* contextTar(
  entries: AsyncIterable<ContextEntry> | Iterable<ContextEntry>,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { pack } = await import('tar-stream');
  const tar = pack();
  let failure: unknown;
  const filled = fill(tar, entries).then(
    () => tar.finalize(),
    (error: unknown) => {
      failure = error;
      tar.destroy();
    },
  );
  try {
    for await (const bytes of tar) yield bytes as Uint8Array; // boundary: a pack holds bytes
  } catch (error) {
    throw failure ?? error;
  } finally {
    tar.destroy();
    await filled;
  }
  if (failure !== undefined) throw failure;
}

type Pack = ReturnType<typeof import('tar-stream')['pack']>;

async function fill(tar: Pack, entries: AsyncIterable<ContextEntry> | Iterable<ContextEntry>): Promise<void> {
  for await (const entry of entries) {
    const header = { name: entry.path, mtime: MODIFIED, uid: 0, gid: 0 };
    if (entry.kind === 'text') tar.entry({ ...header, mode: entry.mode }, entry.content);
    else if (entry.kind === 'folder') tar.entry({ ...header, type: 'directory', mode: entry.mode });
    else if (entry.kind === 'link') tar.entry({ ...header, type: 'symlink', linkname: entry.target });
    else await addFile(tar, entry, header);
  }
}

async function addFile(
  tar: Pack,
  { source, sizeBytes, mode, path }: Extract<ContextEntry, { kind: 'file' }>,
  header: { readonly name: string; readonly mtime: Date; readonly uid: number; readonly gid: number },
): Promise<void> {
  const done = Promise.withResolvers<void>();
  done.promise.catch(() => undefined); // awaited below, unless reading fails first
  const sink = tar.entry({ ...header, mode, size: sizeBytes }, (error) =>
    error ? done.reject(error) : done.resolve(),
  );
  // It tells of what the callback tells too; unheard, it would end the process.
  sink.on('error', done.reject);
  try {
    let read = 0;
    for await (const bytes of Bun.file(source).slice(0, sizeBytes).stream()) {
      read += bytes.byteLength;
      if (!sink.write(bytes)) await drained(sink);
    }
    if (read < sizeBytes) throw new Error('it became shorter meanwhile');
    sink.end(undefined);
    await done.promise;
  } catch (error) {
    throw unreadable(path, error);
  }
}

/** Something of the context that cannot be read, or is gone since it was listed. */
export function unreadable(path: string, error: unknown): ThvError {
  return new ThvError(
    'ERR_BUILD_INPUT_INVALID',
    { reason: `failed to read ${path} for the build: ${messageOf(error)}` },
    { cause: error, hint: '.dockerignore or .thvignore keeps out what the server does not need' },
  );
}

function drained(sink: NodeJS.WritableStream): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const gone = () => reject(new Error('the build was given up'));
  sink.once('drain', resolve).once('close', gone);
  // A large file waits many times on one sink.
  return promise.finally(() => sink.off('drain', resolve).off('close', gone));
}
