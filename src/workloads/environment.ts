import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, ThvError } from '../errors/index.ts';
import { type Logger, readTextFile, withoutByteOrderMark } from '../platform/index.ts';
import { findAssignment, variableNameProblem, variableValueProblem } from '../records/index.ts';

/** One `-e KEY=VALUE` (spec 02 §8). Throws `ERR_INPUT_INVALID`. */
export function parseVariable(text: string): readonly [name: string, value: string] {
  const fail = (reason: string) =>
    new ThvError('ERR_INPUT_INVALID', { reason: `failed to parse environment variables: ${reason}` });
  const variable = findAssignment(text);
  if (variable === undefined) {
    const example = /^[A-Za-z_]\w*$/.test(text) ? `, as in -e ${text}="$${text}"` : '';
    throw fail(`invalid environment variable format: ${text} (expected KEY=VALUE${example})`);
  }
  const problem = variableNameProblem(variable[0]) ?? variableValueProblem(...variable);
  if (problem !== undefined) throw fail(problem);
  return variable;
}

/** Variables of one env file (spec 02 §8): no quotes, no expansion, one per line. Throws `ERR_INPUT_INVALID`. */
export function parseEnvironmentFile(text: string): Record<string, string> {
  const variables: Record<string, string> = Object.create(null);
  for (const raw of withoutByteOrderMark(text).split(/\r\n|\r|\n/)) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) continue;
    const sides = findAssignment(line.replace(/^export /, '').trim());
    if (sides === undefined) continue;
    const [name, value] = sides.map((side) => side.trim()) as [string, string];
    if (name === '')
      throw new ThvError('ERR_INPUT_INVALID', { reason: `empty environment variable key in line: ${line}` });
    const problem = variableNameProblem(name) ?? variableValueProblem(name, value);
    if (problem !== undefined) throw new ThvError('ERR_INPUT_INVALID', { reason: problem });
    variables[name] = value;
  }
  return variables;
}

interface EnvironmentSources {
  readonly given: Readonly<Record<string, string>>;
  readonly file: string | undefined;
  readonly folder: string | undefined;
}

/** All of a run's variables: `-e` over the folder's files, in name order, over the single file (spec 01 §4.6). */
export async function collectEnvironment(
  sources: EnvironmentSources,
  logger: Logger,
): Promise<Record<string, string>> {
  const file = sources.file === undefined ? {} : await readEnvironmentFile(sources.file);
  const folder = sources.folder === undefined ? {} : await readEnvironmentFolder(sources.folder, logger);
  return { ...file, ...folder, ...sources.given };
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
