import * as v from 'valibot';
import { messageOf, ThvError } from '../errors/index.ts';
import {
  checkWebhooks,
  type GivenWebhooks,
  mergeWebhooks,
  storedWebhook,
  WebhookFileSchema,
} from '../middleware/index.ts';
import { readTextFile } from '../platform/index.ts';
import type { RunConfig } from '../records/index.ts';

/** Webhooks as documents store them. */
export interface StoredWebhooks {
  readonly validating: readonly Readonly<Record<string, unknown>>[];
  readonly mutating: readonly Readonly<Record<string, unknown>>[];
}

const NONE: StoredWebhooks = { validating: [], mutating: [] };

/** Reads the files of `--webhook-config` (spec 05 §17.1). Throws `ERR_FILE_UNREADABLE`, `ERR_INPUT_INVALID`. */
export async function resolveWebhooks(paths: readonly string[]): Promise<StoredWebhooks> {
  if (paths.length === 0) return NONE;
  const files: GivenWebhooks[] = [];
  for (const path of paths) files.push(await readFile(path));
  const { validating, mutating } = checkWebhooks(mergeWebhooks(files));
  return { validating: validating.map(storedWebhook), mutating: mutating.map(storedWebhook) };
}

/** Throws `ERR_INPUT_INVALID` for webhooks of a document that make no sense. */
export function checkStoredWebhooks({
  validating_webhooks: validating,
  mutating_webhooks: mutating,
}: RunConfig): void {
  checkWebhooks(parse({ validating, mutating }, 'run configuration'));
}

async function readFile(path: string): Promise<GivenWebhooks> {
  let text: string;
  try {
    text = await readTextFile(path);
  } catch (error) {
    const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    const reason = isMissing ? `webhook config file not found: ${path}` : messageOf(error);
    throw new ThvError('ERR_FILE_UNREADABLE', { path, reason }, { cause: error });
  }
  const value = /\.json$/i.test(path) ? fromJson(text, path) : await fromYaml(text, path);
  return parse(value ?? {}, path);
}

function parse(value: unknown, from: string): GivenWebhooks {
  const parsed = v.safeParse(WebhookFileSchema, value);
  if (parsed.success && !Array.isArray(value)) return parsed.output;
  const problems = (parsed.issues ?? []).map(
    (issue) => `${v.getDotPath(issue) ?? 'document'}: ${issue.message}`,
  );
  throw invalid(`${from}: ${problems.join('; ') || 'a list is no webhook configuration'}`);
}

function fromJson(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw invalid(`${path}: not valid JSON: ${messageOf(error)}`);
  }
}

async function fromYaml(text: string, path: string): Promise<unknown> {
  const { parseDocument } = await import('yaml');
  const document = parseDocument(text);
  const [problem] = document.errors;
  if (problem === undefined) return document.toJS();
  throw invalid(`${path}: not valid YAML: ${problem.message.split('\n')[0] ?? ''}`);
}

function invalid(reason: string): ThvError {
  return new ThvError('ERR_INPUT_INVALID', { reason: `invalid webhook configuration: ${reason}` });
}
