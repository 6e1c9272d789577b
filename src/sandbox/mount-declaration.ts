import { posix, win32 } from 'node:path';
import { ThvError } from '../errors/index.ts';

/** What one entry of a profile's `read` or `write` list, or of `--volume`, says (spec 03 §5.4). */
export interface MountDeclaration {
  readonly source: string;
  readonly target: string;
}

const DRIVE = /^[a-zA-Z]:[/\\]/;
const RESOURCE = /^[a-zA-Z][a-zA-Z0-9_-]*:\/\//;

/** Parses `path`, `host:container` or `scheme://resource:container`. Throws `ERR_INPUT_INVALID`. */
export function parseMountDeclaration(text: string): MountDeclaration {
  const { source, target } = split(text);
  for (const side of [source, target]) {
    if (/[$&;|`]/.test(side)) throw invalid(`potential command injection detected in path: ${side}`);
    if (side.includes('\0')) throw invalid(`null byte detected in path: ${side}`);
  }
  if (source !== target && (DRIVE.test(target) || target.startsWith('\\'))) {
    throw invalid(`windows paths are not allowed as container paths: ${target}`);
  }
  return { source: isResource(source) ? source : cleanHostPath(source), target: cleanPosix(target) };
}

/** A source such as `volume://name`, which no engine mount exists for. */
export function isResource(source: string): boolean {
  return RESOURCE.test(source);
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
  return DRIVE.test(path)
    ? trimSlash(process.platform === 'win32' ? win32.normalize(path) : path)
    : cleanPosix(path);
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
