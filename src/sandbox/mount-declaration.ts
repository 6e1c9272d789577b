import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, posix, resolve, win32 } from 'node:path';
import { ThvError } from '../errors/index.ts';

/** What one entry of a profile's `read` or `write` list, or of `--volume`, says (spec 03 §5.4). */
export interface MountDeclaration {
  readonly source: string;
  readonly target: string;
}

const DRIVE = /^[a-zA-Z]:[/\\]/;
const RESOURCE = /^[a-zA-Z][a-zA-Z0-9_-]*:\/\//;

/**
 * Parses `path`, `host:container` or `scheme://resource:container`; `~/` in front of a host path is the home folder, as a shell
 * has it that was not asked. Throws `ERR_INPUT_INVALID`.
 */
export function parseMountDeclaration(text: string, home: string = homedir()): MountDeclaration {
  const given = split(text);
  const source = withHome(given.source, home);
  const target = given.target === given.source ? source : given.target;
  for (const side of [source, target]) {
    if (/[$&;|`]/.test(side)) throw invalid(`potential command injection detected in path: ${side}`);
    if (side.includes('\0')) throw invalid(`null byte detected in path: ${side}`);
  }
  if (source !== target && (DRIVE.test(target) || target.startsWith('\\'))) {
    throw invalid(`windows paths are not allowed as container paths: ${target}`);
  }
  return { source: isResource(source) ? source : cleanHostPath(source), target: cleanPosix(target) };
}

/** A source such as `volume://name`, which is no path of this machine. */
export function isResource(source: string): boolean {
  return RESOURCE.test(source);
}

/** What engines allow as the name of a volume. */
const VOLUME_NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;
const VOLUME_SCHEME = 'volume://';

/** The name in `volume://name`; `undefined` for another source. Throws `ERR_INPUT_INVALID` for a name that no engine takes. */
export function volumeNameOf(source: string): string | undefined {
  if (!source.startsWith(VOLUME_SCHEME)) return undefined;
  const name = source.slice(VOLUME_SCHEME.length);
  if (VOLUME_NAME.test(name)) return name;
  throw invalid(
    `invalid volume name: ${name} (letters, digits, '_', '.' and '-', at least two, the first a letter or digit)`,
  );
}

/**
 * A source that does not depend on the working folder. A bare word is the file or folder of that name, where there is one, and a
 * named volume of the engine otherwise, as `docker run -v` has it.
 */
export function absoluteSource(source: string, cwd: string): string {
  if (isResource(source)) return source;
  const path = resolve(cwd, source);
  return VOLUME_NAME.test(source) && !existsSync(path) ? `${VOLUME_SCHEME}${source}` : path;
}

function withHome(path: string, home: string): string {
  if (path === '~') return home;
  if (path.startsWith('~/')) return join(home, path.slice(2));
  if (/^~[a-zA-Z_]/.test(path)) {
    throw invalid(`the home folder of another user cannot be named by ${path}: give the whole path`);
  }
  return path;
}

function split(text: string): MountDeclaration {
  if (RESOURCE.test(text)) {
    const at = resourceSeparator(text);
    if (at !== undefined) return { source: text.slice(0, at), target: text.slice(at + 1) };
  }
  const colons = text.split(':').length - 1;
  if (DRIVE.test(text)) {
    if (colons === 1) return { source: text, target: text };
    const at = text.indexOf(':', 2);
    if (colons === 2) return halves(text, at);
    throw invalid(
      `invalid mount declaration format: ${text} (Windows paths with multiple colons are ambiguous)`,
    );
  }
  if (colons === 0) return { source: text, target: text };
  if (colons === 1) return halves(text, text.indexOf(':'));
  throw invalid(
    `invalid mount declaration format: ${text} (multiple colons found, expected single colon separator)`,
  );
}

/** Both halves must say something: `:/c` would mount the working folder (spec 03 §15-B9). */
function halves(text: string, at: number): MountDeclaration {
  const source = text.slice(0, at);
  const target = text.slice(at + 1);
  if (source === '' || target === '') {
    throw invalid(
      `invalid mount declaration format: ${text} (expected path, host-path:container-path, or scheme://resource:container-path)`,
    );
  }
  return { source, target };
}

/** The right-most colon whose right side can be a path and whose left side names a resource. */
function resourceSeparator(text: string): number | undefined {
  const start = text.indexOf('://') + 3;
  for (let at = text.lastIndexOf(':'); at > start; at = text.lastIndexOf(':', at - 1)) {
    const right = text.slice(at + 1);
    if (right.startsWith('/') || DRIVE.test(right) || (right !== '' && !right.includes(':'))) return at;
  }
  return undefined;
}

function cleanHostPath(path: string): string {
  if (DRIVE.test(path)) return trimSlash(process.platform === 'win32' ? win32.normalize(path) : path);
  const clean = cleanPosix(path);
  // Without its dot, `./data` would be a bare word, which can be a volume.
  return path.startsWith('.') && VOLUME_NAME.test(clean) ? `./${clean}` : clean;
}

function cleanPosix(path: string): string {
  return DRIVE.test(path) ? path : trimSlash(posix.normalize(path));
}

function trimSlash(path: string): string {
  return path.length > 1 ? path.replace(/\/$/, '') : path;
}

function invalid(reason: string): ThvError {
  return new ThvError('ERR_INPUT_INVALID', { reason });
}
