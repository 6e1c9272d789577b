import { mkdir, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { BunPlugin } from 'bun';
import { programText } from '../src/sidecar/program-text.ts';

/** The sidecar's program may be read by people, and goes into every executable. */
const MAX_BYTES = 300_000;

/** Puts the sidecar's program, bundled by itself, into the executable. `scratch` is for the caller to remove. */
export async function sidecarPlugin(scratch: string): Promise<BunPlugin> {
  const program = await programText();
  if (program === '' || program.length > MAX_BYTES)
    throw new Error(
      `the sidecar's program is ${program.length} bytes, which is not between 1 and ${MAX_BYTES}`,
    );
  const file = resolve(scratch, 'sidecar-program.txt');
  await mkdir(scratch, { recursive: true });
  await writeFile(file, program);
  return {
    name: 'sidecar-program',
    setup(build) {
      build.onLoad({ filter: /[/\\]sidecar[/\\]program-text\.ts$/ }, () => ({
        contents: `import file from ${JSON.stringify(file)} with { type: 'file' };\nexport const programText = () => Bun.file(file).text();\n`,
        loader: 'js',
      }));
    },
  };
}
