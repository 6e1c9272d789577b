/** Every path that src/README.md names in back-ticks exists, seen from src/ or from the repository root. */
import { existsSync } from 'node:fs';

const MAP = 'src/README.md';
const text = await Bun.file(MAP).text();
const paths = [
  ...text.matchAll(/`([\w.-]+(?:\/[\w.-]+)*(?:\/|\.ts))`|`((?:src|tests|scripts)\/[\w./-]+)`/g),
].map(([, path, rooted]) => path ?? rooted ?? '');
const missing = paths.filter((path) => !existsSync(`src/${path}`) && !existsSync(path));
for (const path of missing) process.stderr.write(`${MAP}: ${path} does not exist\n`);
process.exit(missing.length === 0 ? 0 : 1);
