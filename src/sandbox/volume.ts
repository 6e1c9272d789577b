import { statSync } from 'node:fs';
import { messageOf, ThvError } from '../errors/index.ts';
import {
  absoluteSource,
  isResource,
  type MountDeclaration,
  parseMountDeclaration,
  volumeNameOf,
} from './mount-declaration.ts';

/** A folder of this machine, or a named volume, that is mounted for a server. */
export interface Volume {
  /** Absolute, because the mount is made by a process with another working folder; or `volume://name`. */
  readonly source: string;
  readonly target: string;
  readonly readOnly: boolean;
  /** As the user wrote it: documents keep that form (spec 02 §1.1). */
  readonly text: string;
}

/**
 * `host:container[:ro]`, as `--volume` takes it (spec 03 §6.1). Throws `ERR_INPUT_INVALID` for a bad form and for a source that
 * does not exist.
 */
export function parseVolume(text: string, cwd: string = process.cwd()): Volume {
  const readOnly = text.endsWith(':ro');
  const declaration = parseDeclaration(text, readOnly ? text.slice(0, -3) : text);
  const source = absoluteSource(declaration.source, cwd);
  if (!isResource(source)) requireSource(source);
  return { source, target: declaration.target, readOnly, text };
}

function parseDeclaration(volume: string, declaration: string): MountDeclaration {
  try {
    const mount = parseMountDeclaration(declaration);
    if (declaration === '') throw new ThvError('ERR_INPUT_INVALID', { reason: 'empty declaration' });
    if (!mount.target.startsWith('/')) {
      throw new ThvError('ERR_INPUT_INVALID', { reason: `container path must be absolute: ${mount.target}` });
    }
    if (isResource(mount.source) && volumeNameOf(mount.source) === undefined) {
      throw new ThvError('ERR_INPUT_INVALID', {
        reason: `only volume:// is supported as a resource: ${mount.source}`,
      });
    }
    return mount;
  } catch (error) {
    throw new ThvError(
      'ERR_INPUT_INVALID',
      { reason: `invalid volume format: ${volume} (${messageOf(error)})` },
      { cause: error },
    );
  }
}

function requireSource(path: string): void {
  try {
    statSync(path);
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw new ThvError('ERR_INPUT_INVALID', {
      reason: missing
        ? `volume source path does not exist: ${path}`
        : `failed to access volume source path ${path}: ${messageOf(error)}`,
    });
  }
}
