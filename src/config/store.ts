import { mkdir, realpath } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { type Document, isMap, isScalar, isSeq, parseDocument } from 'yaml';
import { messageOf, ThvError } from '../errors/index.ts';
import { acquireLock, type Paths, readTextFile, writeFileAtomic } from '../platform/index.ts';
import { type ApplicationConfig, checkApplicationConfig } from './schema.ts';

/** Longer than the reference's second: twenty commands at once must all come through (spec 09 §10.3). */
const LOCK_TIMEOUT_MS = 5000;
/** Never written from a difference: an unset switch of the telemetry block is there as `null` (spec 09 §2.1). */
const WRITTEN_AS_NULL = new Set(['metrics-enabled', 'tracing-enabled', 'use-legacy-attributes']);

const FRESH_FILE = `secrets:
    provider_type: ""
    setup_completed: false
clients:
    registered_clients: []
registry_url: ""
registry_api_url: ""
local_registry_path: ""
allow_private_registry_ip: false
`;

/** `config.yaml`: read on every use, changed under its lock (spec 09 §2.2). */
export interface ConfigStore {
  readonly path: string;
  /** Writes the fresh file where there is none. Throws `ERR_CONFIG_INVALID`. */
  read(): Promise<ApplicationConfig>;
  /**
   * Under the lock: reads, lets `change` make the new value, writes what differs. Comments, order and unknown keys of the file
   * stay. Nothing is written when `change` throws or nothing differs. Throws `ERR_CONFIG_INVALID`, `ERR_LOCK_TIMEOUT`.
   */
  update(
    change: (current: ApplicationConfig) => ApplicationConfig | Promise<ApplicationConfig>,
  ): Promise<ApplicationConfig>;
}

export function createConfigStore(paths: Pick<Paths, 'config'>): ConfigStore {
  const path = join(paths.config, 'config.yaml');

  async function update(
    change: (current: ApplicationConfig) => ApplicationConfig | Promise<ApplicationConfig>,
  ): Promise<ApplicationConfig> {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    using _lock = await acquireLock(`${path}.lock`, { timeoutMs: LOCK_TIMEOUT_MS });
    const text = await readText(path);
    const document = parse(text ?? FRESH_FILE, path);
    const before = checkApplicationConfig(document.toJS(), path);
    const after = await change(migrated(before));
    applyDifference(document, [], before, after);
    const changed = format(document);
    if (changed !== text) await writeFileAtomic(await placeOf(path), changed, { directoryMode: 0o700 });
    return after;
  }

  return {
    path,
    update,
    async read() {
      const text = await readText(path);
      if (text === undefined) return update((current) => current);
      const stored = checkApplicationConfig(parse(text, path).toJS(), path);
      return isDeepStrictEqual(migrated(stored), stored) ? stored : update((current) => current);
    },
  };
}

/** What older versions wrote (spec 09 §2.2): another name of the encrypted provider, a provider without the completed mark. */
function migrated(config: ApplicationConfig): ApplicationConfig {
  const { secrets } = config;
  if (secrets.provider_type === '') return config;
  const provider_type = secrets.provider_type === 'basic' ? 'encrypted' : secrets.provider_type;
  return { ...config, secrets: { ...secrets, provider_type, setup_completed: true } };
}

/** People keep such files elsewhere and link to them: what is written is the file, not the link. */
async function placeOf(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch {
    return path; // there is none yet
  }
}

async function readText(path: string): Promise<string | undefined> {
  try {
    return await readTextFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new ThvError(
      'ERR_FILE_UNREADABLE',
      { path, reason: `failed to read config file ${path}: ${messageOf(error)}` },
      { cause: error },
    );
  }
}

function parse(text: string, path: string): Document {
  const document = parseDocument(text);
  const [problem] = document.errors;
  const invalid = (reason: string) =>
    new ThvError('ERR_CONFIG_INVALID', { path, reason: `failed to parse config file yaml: ${reason}` });
  if (problem?.code === 'MULTIPLE_DOCS') throw invalid(`${path}: more than one document`);
  if (problem !== undefined) throw invalid(`${path}: ${problem.message.trimEnd()}`);
  if (document.contents !== null && !isMap(document.contents))
    throw invalid(`${path}: not a mapping of keys`);
  readTexts(document);
  return document;
}

const TEXT_MAPS = [
  ['build_env'],
  ['build_env_from_secrets'],
  ...['go', 'npx', 'uvx'].map((scheme) => ['runtime_configs', scheme, 'runtime_env']),
];

/** Values of a mapping of texts need no quotes, as the reference has it: `PORT: 8080` is the text `8080`. */
function readTexts(document: Document): void {
  for (const path of TEXT_MAPS) {
    const map = document.getIn(path);
    if (!isMap(map)) continue;
    for (const { value } of map.items)
      if (isScalar(value) && ['number', 'boolean'].includes(typeof value.value)) value.value = value.source;
  }
}

function format(document: Document): string {
  return document.toString({ indent: 4, lineWidth: 0, singleQuote: false });
}

/** Sets in `document` what `after` has otherwise than `before`; mappings are entered, of lists the entries that stay are kept. */
function applyDifference(
  document: Document,
  path: readonly string[],
  before: Readonly<Record<string, unknown>>,
  after: Readonly<Record<string, unknown>>,
): void {
  for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
    const [old, fresh] = [before[key], after[key]];
    const here = [...path, key];
    if (isDeepStrictEqual(old, fresh)) continue;
    const node = document.getIn(here);
    if (Array.isArray(fresh) && isSeq(node) && node.items.length > 0) {
      node.items = fresh.map((value) => takeItem(node.items, value) ?? document.createNode(value));
    } else if (isRecord(fresh) && isMap(node)) {
      applyDifference(document, here, isRecord(old) ? old : {}, fresh);
    } else if (fresh === undefined || (fresh === null && !WRITTEN_AS_NULL.has(key))) {
      document.deleteIn(here);
    } else {
      // A plain value goes into the node that is there, which keeps its comment.
      document.setIn(here, typeof fresh === 'object' ? document.createNode(fresh) : fresh);
    }
  }
}

/** The entry that holds `value`, with the comment beside it. */
function takeItem(items: unknown[], value: unknown): unknown {
  const at = items.findIndex((item) => isScalar(item) && item.value === value);
  return at < 0 ? undefined : items.splice(at, 1)[0];
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
