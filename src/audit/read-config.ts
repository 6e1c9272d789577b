import { isAbsolute, resolve } from 'node:path';
import { messageOf, ThvError } from '../errors/index.ts';
import { readTextFile } from '../platform/index.ts';
import { type AuditConfig, parseAuditConfig } from './settings.ts';

/**
 * Reads `--audit-config FILE`: YAML by its extension, JSON otherwise (spec 05 §16.1, §20-17). The log file's path no longer depends on the
 * working folder afterwards. Throws `ERR_FILE_UNREADABLE`, `ERR_INPUT_INVALID`.
 */
export async function readAuditConfig(path: string): Promise<AuditConfig> {
  const text = await read(path);
  return withAbsoluteFile(parseAuditConfig(/\.ya?ml$/i.test(path) ? await fromYaml(text) : fromJson(text)));
}

/** The config with a log file that does not depend on the working folder of this process. */
export function withAbsoluteFile(config: AuditConfig): AuditConfig {
  const { logFile } = config;
  return !logFile || isAbsolute(logFile) ? config : { ...config, logFile: resolve(logFile) };
}

async function read(path: string): Promise<string> {
  try {
    return await readTextFile(path);
  } catch (error) {
    throw new ThvError('ERR_FILE_UNREADABLE', { path, reason: messageOf(error) }, { cause: error });
  }
}

function fromJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new ThvError('ERR_INPUT_INVALID', { reason: `not valid JSON: ${messageOf(error)}` });
  }
}

async function fromYaml(text: string): Promise<unknown> {
  const { parseDocument } = await import('yaml');
  const document = parseDocument(text);
  const [problem] = document.errors;
  if (problem === undefined) return document.toJS();
  const [first = ''] = problem.message.split('\n');
  throw new ThvError('ERR_INPUT_INVALID', { reason: `not valid YAML: ${first}` });
}
