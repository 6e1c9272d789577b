import { realpathSync, statSync } from 'node:fs';
import { basename, isAbsolute, join, relative, resolve, sep } from 'node:path';
import * as v from 'valibot';
import { hasCode, ThvError } from '../../../errors/index.ts';
import { readHead, readRegularFile, withoutByteOrderMark } from '../../../platform/index.ts';

const ManifestSchema = v.object({
  name: v.string(),
  version: v.optional(v.string(), '0.0.0'),
  bin: v.optional(v.union([v.string(), v.record(v.string(), v.string())])),
  engines: v.fallback(
    v.optional(v.object({ node: v.optional(v.string()), bun: v.optional(v.string()) })),
    undefined,
  ),
});
export type Manifest = v.InferOutput<typeof ManifestSchema>;

/** No manifest that a registry takes is larger. */
export const MAX_MANIFEST_BYTES = 16 * 1024 * 1024;
const HEAD_BYTES = 128;

/** The `package.json` of an installed package, which anybody may have written. */
export function readManifest(root: string): Manifest {
  return v.parse(ManifestSchema, JSON.parse(readText(join(root, 'package.json'))));
}

export function readText(path: string): string {
  return withoutByteOrderMark(readRegularFile(path, MAX_MANIFEST_BYTES).toString('utf8'));
}

/** The program npx would take: the only one, else the one that is called like the package. Throws `ERR_PACKAGE_INSTALL`. */
export function chosenProgram(root: string, { name, bin }: Manifest): string {
  const bins = typeof bin === 'string' ? { [basename(name)]: bin } : (bin ?? {});
  const names = Object.keys(bins);
  const chosen = names.length === 1 ? names[0] : names.find((each) => each === basename(name));
  const written = chosen === undefined ? undefined : bins[chosen];
  if (written === undefined) {
    const reason =
      names.length === 0
        ? 'it brings no program to run'
        : `it brings several programs, none of them called ${basename(name)}: ${names.join(', ')}`;
    throw new ThvError('ERR_PACKAGE_INSTALL', { package: name, reason });
  }
  return programIn(root, written, name);
}

/**
 * The file that a package or a folder names as its program, links resolved. Throws `ERR_PACKAGE_INSTALL` unless it is a regular
 * file inside: a device or a FIFO would be read without end.
 */
export function programIn(root: string, written: string, name: string): string {
  const refuse = (reason: string) => new ThvError('ERR_PACKAGE_INSTALL', { package: name, reason });
  // npm takes a leading slash as the package's own folder.
  const path = resolve(root, `./${written}`);
  const home = realpathSync(root);
  const leadsOut = () => refuse(`its program ${JSON.stringify(written)} leads out of the package`);
  if (!isInside(path, resolve(root))) throw leadsOut();
  let real: string;
  try {
    real = realpathSync(path);
  } catch {
    throw refuse(
      `its program ${path} is missing; packages that build it on installation need --allow-install-scripts`,
    );
  }
  if (!isInside(real, home)) throw leadsOut();
  if (!statSync(real).isFile()) throw refuse(`its program ${JSON.stringify(written)} is not a regular file`);
  return real;
}

export function isInside(path: string, folder: string): boolean {
  const way = relative(folder, path);
  return way !== '' && way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}

/** Whether the runtime has to run it, as opposed to a binary or a script of another language. */
export function isScript(path: string): boolean {
  try {
    const head = readHead(path, HEAD_BYTES).toString('latin1');
    if (head.startsWith('#!')) return /^#!.*\b(?:node|bun|deno|tsx|ts-node)\b/.test(head);
    return /\.[cm]?[jt]s$/.test(path) || !/[\0]/.test(head);
  } catch (error) {
    if (!hasCode(error, 'ERR_INPUT_INVALID')) throw error;
    throw new ThvError('ERR_PACKAGE_INSTALL', { package: path, reason: error.facts.reason });
  }
}

/** Whether a script names Bun as what runs it, or is TypeScript, which our runtime reads in every form. */
export function isForBun(path: string): boolean {
  const head = readHead(path, HEAD_BYTES).toString('latin1');
  return /^#!.*\b(?:bun|tsx|ts-node)\b/.test(head) || /\.[cm]?tsx?$/.test(path);
}
