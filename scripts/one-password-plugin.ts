import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { BunPlugin } from 'bun';

/** How 1Password's package finds its WebAssembly: beside itself, which an executable does not have. */
const FROM_FOLDER = `const path = require('path').join(__dirname, 'core_bg.wasm');
const bytes = require('fs').readFileSync(path);
`;

const PACKAGE = join('node_modules', '@1password', 'sdk-core', 'nodejs');

/** Puts the WebAssembly of 1Password's client into the executable, compressed: 3.5 MB in place of 14. `scratch` is for the caller to remove. */
export async function onePasswordPlugin(scratch: string): Promise<BunPlugin> {
  const packed = resolve(scratch, 'one-password-core.zst');
  // Before the build: it looks at a folder once, and finds no file that came later.
  await mkdir(scratch, { recursive: true });
  await writeFile(packed, Bun.zstdCompressSync(await readFile(join(PACKAGE, 'core_bg.wasm'))));
  return {
    name: 'one-password-wasm',
    setup(build) {
      build.onLoad({ filter: /@1password[/\\]sdk-core[/\\]nodejs[/\\]core\.js$/ }, async ({ path }) => {
        const source = await readFile(path, 'utf8');
        if (!source.includes(FROM_FOLDER))
          throw new Error(`${path} loads its WebAssembly in another way than before`);
        const embedded = `const bytes = Bun.zstdDecompressSync(require('fs').readFileSync(require(${JSON.stringify(packed)})));\n`;
        return { contents: source.replace(FROM_FOLDER, () => embedded), loader: 'js' };
      });
    },
  };
}
