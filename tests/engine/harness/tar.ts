import { pack } from 'tar-stream';

/** A build context of files by their names. */
export async function* tarOf(files: Readonly<Record<string, string>>): AsyncGenerator<Uint8Array> {
  const tar = pack();
  for (const [name, content] of Object.entries(files)) tar.entry({ name }, content);
  tar.finalize();
  for await (const bytes of tar as AsyncIterable<Uint8Array>) yield bytes;
}
