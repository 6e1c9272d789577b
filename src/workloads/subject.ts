import { within } from '../errors/index.ts';
import type { RunConfig } from '../records/index.ts';
import type { RegistryEntry, RemoteEntry } from '../registry/index.ts';
import { identifySource, nameFromHost, type Source } from '../sources/index.ts';
import { ANY_OWN, requireApplicable, schemeOf } from './applicable-flags.ts';
import type { Context } from './context.ts';
import { type Asked, REMOTE, type Target } from './flag-rules.ts';
import type { RemoteSettings, RunRequest, ServerSettings } from './run-request.ts';
import type { OperationOptions } from './types.ts';

/** What has to be run here. */
export type OwnSource =
  | Exclude<Source, { readonly kind: 'entry' }>
  | {
      readonly kind: 'entry';
      readonly entry: Exclude<RegistryEntry, RemoteEntry>;
      readonly defaultName: string;
    };

/** A remote server: only its proxy runs here. */
export interface RemoteSubject {
  readonly kind: 'remote';
  readonly url: string;
  /** Absent for a URL that was typed. */
  readonly entry?: RemoteEntry;
  readonly settings: RemoteSettings;
  /** What the document has for an image. */
  readonly image: string;
  readonly defaultName: string;
}

export interface OwnSubject {
  readonly kind: 'own';
  readonly source: OwnSource;
  /** As it was typed. */
  readonly word: string;
  readonly settings: ServerSettings;
  readonly defaultName: string;
}

/** What a request is about, with the settings that apply to that kind of server. */
export type Subject = OwnSubject | RemoteSubject;

/** `present` is what an edit changes. Throws what `identifySource` throws, and `ERR_INPUT_INVALID` for settings of the other kind. */
export async function findSubject(
  context: Context,
  request: RunRequest,
  { signal, present }: OperationOptions & { readonly present?: RunConfig },
): Promise<Subject> {
  const { target } = request;
  if (target.kind === 'url') {
    const { url, remote: settings } = target;
    const defaultName = nameFromHost(new URL(url).hostname);
    return { kind: 'remote', url, settings, image: settings.image ?? url, defaultName };
  }
  const { word, server, remote } = target;
  const registry = () => context.registry();
  const identify = () => identifySource(word, { registry, signal });
  // A bad URL gets its own plain error (spec 01 §4.4, step 1).
  const source = /^https?:/i.test(word) ? await identify() : await within(finding(word), identify);
  const asked = { ...request, server, remote };
  if (source.kind !== 'entry') {
    requireApplicable(asked, ANY_OWN, present);
    return { kind: 'own', source, word, settings: server, defaultName: source.defaultName };
  }
  const { entry, defaultName } = source;
  if (entry.kind !== 'remote') {
    requireApplicable(asked, ANY_OWN, present);
    return { kind: 'own', source: { ...source, entry }, word, settings: server, defaultName };
  }
  requireApplicable(asked, REMOTE, present);
  return {
    kind: 'remote',
    url: entry.url,
    entry,
    settings: remote,
    image: remote.image ?? word,
    defaultName,
  };
}

export function finding(word: string): string {
  return `failed to find or create the MCP server ${word}`;
}

/** What flags have to apply to, once it is known what runs the server. */
export function targetOf({ source, word }: OwnSubject, runsAs: 'container' | 'process'): Target {
  const isBuilt = source.kind === 'package' || source.kind === 'folder';
  if (runsAs === 'container') return isBuilt ? 'built image' : 'image';
  const scheme = schemeOf(word);
  if (scheme !== undefined) return `${scheme} process`;
  // What an edit leaves as it is is not looked at again.
  return source.kind === 'folder' && source.project.kind !== 'node'
    ? 'folder process'
    : 'node folder process';
}

/** What a process is made from: a folder by its whole path, because others will look for it. */
export function packageOf({ source, word }: OwnSubject): string {
  return source.kind === 'folder' ? source.project.folder : word;
}

/** What a request asks for, with the settings that have become of it. */
export function askedOf(request: RunRequest, server: ServerSettings): Asked {
  return { ...request, server, remote: request.target.remote };
}
