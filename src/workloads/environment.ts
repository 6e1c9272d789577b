import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, ThvError } from '../errors/index.ts';
import type { Logger } from '../platform/index.ts';
import { readTextFile, withoutByteOrderMark } from '../platform/index.ts';

/** Parses `-e KEY=VALUE` flags (spec 02 §8). Throws `ERR_INPUT_INVALID`. */
export function parseEnvironmentFlags(entries: readonly string[]): Record<string, string> {
  const variables: Record<string, string> = Object.create(null);
  for (const entry of entries) {
    const at = entry.indexOf('=');
    const fail = (reason: string) =>
      new ThvError('ERR_INPUT_INVALID', { reason: `failed to parse environment variables: ${reason}` });
    if (at < 0) {
      const example = /^[A-Za-z_]\w*$/.test(entry) ? `, as in -e ${entry}="$${entry}"` : '';
      throw fail(`invalid environment variable format: ${entry} (expected KEY=VALUE${example})`);
    }
    if (at === 0) throw fail('empty environment variable key');
    variables[entry.slice(0, at)] = entry.slice(at + 1);
  }
  return variables;
}

/** Variables of one env file (spec 02 §8): no quotes, no expansion, one per line. Throws `ERR_INPUT_INVALID`. */
export function parseEnvironmentFile(text: string): Record<string, string> {
  const variables: Record<string, string> = Object.create(null);
  for (const raw of withoutByteOrderMark(text).split(/\r\n|\r|\n/)) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) continue;
    const assignment = line.replace(/^export /, '').trim();
    const at = assignment.indexOf('=');
    if (at < 0) continue;
    if (at === 0)
      throw new ThvError('ERR_INPUT_INVALID', { reason: `empty environment variable key in line: ${line}` });
    variables[assignment.slice(0, at).trim()] = assignment.slice(at + 1).trim();
  }
  return variables;
}

interface EnvironmentSources {
  readonly flags: readonly string[];
  readonly file: string | undefined;
  readonly folder: string | undefined;
}

/** All of a run's variables: `-e` over the folder's files, in name order, over the single file (spec 01 §4.6). */
export async function collectEnvironment(
  sources: EnvironmentSources,
  logger: Logger,
): Promise<Record<string, string>> {
  const flags = parseEnvironmentFlags(sources.flags);
  const file = sources.file === undefined ? {} : await readEnvironmentFile(sources.file);
  const folder = sources.folder === undefined ? {} : await readEnvironmentFolder(sources.folder, logger);
  return { ...file, ...folder, ...flags };
}

async function readEnvironmentFile(path: string): Promise<Record<string, string>> {
  try {
    return parseEnvironmentFile(await readTextFile(path));
  } catch (error) {
    const reason = `failed to apply run config option: failed to process env file ${path}: ${messageOf(error)}`;
    throw new ThvError('ERR_FILE_UNREADABLE', { path, reason }, { cause: error });
  }
}

/** A missing folder is fine; a file in it that cannot be used is warned about and skipped. */
async function readEnvironmentFolder(folder: string, logger: Logger): Promise<Record<string, string>> {
  let variables: Record<string, string> = Object.create(null);
  for (const name of await fileNames(folder, logger)) {
    const path = join(folder, name);
    try {
      variables = { ...variables, ...parseEnvironmentFile(await readTextFile(path)) };
    } catch (error) {
      logger.warn('skipping env file', { path, error });
    }
  }
  return variables;
}

/** A folder that is not there sets nothing; one that cannot be read is warned about. */
async function fileNames(folder: string, logger: Logger): Promise<readonly string[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    // Mounted secrets are symbolic links to files, hence not only plain files.
    return entries
      .filter((entry) => !entry.isDirectory() && !entry.name.startsWith('.'))
      .map((entry) => entry.name)
      .sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT')
      logger.warn('skipping folder of env files', { path: folder, error });
    return [];
  }
}
