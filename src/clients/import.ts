import { readFileSync, statSync } from 'node:fs';
import { programOf } from './import/command.ts';
import {
  commandOf,
  environmentOf,
  flattened,
  headersOf,
  isText,
  transportOf,
  type Values,
} from './import/entry.ts';
import { keysLeft, wantedTools } from './import/keys.ts';
import { distinct, proposeName } from './import/name.ts';
import { NotImportable } from './import/not-importable.ts';
import { fillPlain, type Surroundings } from './import/values.ts';
import type { Entry } from './types.ts';

/** A server of a client's settings as a workload: what `thv run` would be told. */
export interface ImportedServer {
  /** Name of the workload. */
  readonly name: string;
  /** `npx://…`, `uvx://…`, `go://…`, an image, or a URL. */
  readonly source: string;
  readonly serverArguments: readonly string[];
  readonly transport: 'stdio' | 'sse' | 'streamable-http' | undefined;
  readonly environment: Readonly<Record<string, string>>;
  /** Which variables look like secrets, by their names, by their values, or by where these came from. */
  readonly secretVariables: readonly string[];
  /** Headers of a remote server. */
  readonly headers: Readonly<Record<string, string>>;
  readonly secretHeaders: readonly string[];
  /** `host:container[:ro]` */
  readonly volumes: readonly string[];
  readonly publish: readonly string[];
  /** '' for the default. */
  readonly networkMode: string;
  /** The only tools that clients see; empty for all. */
  readonly tools: readonly string[];
  /** Keys of the entry that stay with the client: `timeout`, `alwaysAllow` and the like. */
  readonly leftOut: readonly string[];
}

/** What can be made of one entry; `reason` says why nothing can. */
export type ImportPlan =
  | { readonly entry: string; readonly server: ImportedServer }
  | { readonly entry: string; readonly reason: string };

/** Larger files hold no value that anybody means by `{file:…}`. */
const MAX_FILE_BYTES = 64 * 1024;

/**
 * `env` fills variables that an entry passes on by name, and placeholders. `folder` is that of the settings file. Throws
 * nothing.
 */
export function planImport(
  entries: ReadonlyMap<string, Entry>,
  env: Surroundings['env'],
  { home = env['HOME'] ?? '', folder = '/', readText = readSmall }: Partial<Surroundings> = {},
): readonly ImportPlan[] {
  const taken = new Set<string>();
  return [...entries].map(([entry, settings]) => {
    try {
      const found = serverOf(flattened(settings), { env, home, folder, readText });
      return { entry, server: { ...found, name: distinct(proposeName(entry, found.source), taken) } };
    } catch (error) {
      if (error instanceof NotImportable) return { entry, reason: error.message };
      throw error;
    }
  });
}

function readSmall(path: string): string {
  if (statSync(path).size > MAX_FILE_BYTES) throw new Error('too large');
  return readFileSync(path, 'utf8');
}

type Found = Omit<ImportedServer, 'name'>;

function serverOf(entry: Entry, surroundings: Surroundings): Found {
  const url = ['url', 'httpUrl', 'serverUrl', 'uri'].map((key) => entry[key]).find(isText);
  const words = commandOf(entry);
  if (url === undefined && words[0] === '') throw new NotImportable('it has neither a command nor a URL');
  const common = { leftOut: keysLeft(entry), tools: wantedTools(entry) };
  return url === undefined
    ? { ...localServer(entry, words, surroundings), ...common }
    : { ...remoteServer(entry, url, surroundings), ...common };
}

type Part = Omit<Found, 'leftOut' | 'tools'>;

function localServer(entry: Entry, words: readonly string[], surroundings: Surroundings): Part {
  const { environment, ...program } = programOf(words, environmentOf(entry, surroundings), surroundings);
  return {
    ...program,
    transport: 'stdio',
    environment: texts(environment),
    secretVariables: secretsAmong(environment),
    headers: {},
    secretHeaders: [],
  };
}

function remoteServer(entry: Entry, written: string, surroundings: Surroundings): Part {
  const url = fillPlain('URL', written, surroundings);
  if (!/^https?:\/\//.test(url) || !URL.canParse(url)) throw new NotImportable('its URL is not an HTTP URL');
  const headers = headersOf(entry, surroundings);
  return {
    source: url,
    serverArguments: [],
    transport: transportOf(entry, url),
    environment: {},
    secretVariables: [],
    headers: texts(headers),
    secretHeaders: secretsAmong(headers),
    volumes: [],
    publish: [],
    networkMode: '',
  };
}

function texts(values: Values): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(values).map(([name, { text }]) => [name, text]));
}

function secretsAmong(values: Values): readonly string[] {
  return Object.entries(values).flatMap(([name, { secret, text }]) => (secret && text !== '' ? [name] : []));
}
