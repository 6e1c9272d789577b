import { extname, normalize } from 'node:path';
import { messageOf, ThvError } from '../errors/index.ts';
import { readTextFile } from '../platform/index.ts';
import { type AuthzConfig, invalid, parseAuthzConfig } from './config.ts';

type ConfigFormat = 'json' | 'yaml';

export interface AuthzFile {
  readonly path: string;
  readonly text: string;
  readonly format: ConfigFormat;
}

/**
 * The text of `--authz-config FILE`; its extension says how to read it (spec 05 §9). Throws `ERR_AUTHZ_INVALID` for a path
 * that cannot be one, `ERR_FILE_UNREADABLE` when there is nothing to read.
 */
export async function readAuthzFile(path: string): Promise<AuthzFile> {
  if (normalize(path).split(/[\\/]/).includes('..'))
    throw invalid(`path contains directory traversal elements: ${path}`);
  const format = formatOf(path);
  try {
    return { path, text: await readTextFile(path), format };
  } catch (error) {
    throw new ThvError('ERR_FILE_UNREADABLE', { path, reason: messageOf(error) }, { cause: error });
  }
}

function formatOf(path: string): ConfigFormat {
  const extension = extname(path);
  switch (extension.toLowerCase()) {
    case '':
    case '.json':
      return 'json';
    case '.yaml':
    case '.yml':
      return 'yaml';
    default:
      throw invalid(`unsupported file format: ${extension} (supported formats: .json, .yaml, .yml)`);
  }
}

/** Throws `ERR_AUTHZ_INVALID`. */
export async function parseAuthzFile({ text, format }: AuthzFile): Promise<AuthzConfig> {
  return parseAuthzConfig(format === 'json' ? parseJson(text) : await parseYaml(text));
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw invalid(`not valid JSON: ${messageOf(error)}`);
  }
}

async function parseYaml(text: string): Promise<unknown> {
  const { parseDocument } = await import('yaml');
  const document = parseDocument(text);
  const [problem] = document.errors;
  if (problem !== undefined) throw invalid(`not valid YAML: ${problem.message.split('\n')[0] ?? ''}`);
  return document.toJS();
}
