/** What a URL serves, whatever the server behind it speaks. */
export type Endpoint = 'sse' | 'streamable-http';

/** Where a client connects to. */
export interface Server {
  readonly name: string;
  /** As it is written into settings (spec 09 §6.2). */
  readonly url: string;
  readonly endpoint: Endpoint;
}

/** What a client's settings hold of one server, in the client's own keys. */
export type Entry = Readonly<Record<string, unknown>>;

type Platform = 'linux' | 'darwin' | 'win32';
type Environment = Readonly<Record<string, string | undefined>>;

/** The folders that settings files lie in, on the system they are for. */
export interface Places {
  readonly platform: Platform;
  readonly env: Environment;
  /** Joins with the separator of `platform`, below the home folder. */
  home(...segments: readonly string[]): string;
  /** Below the folder for applications' settings: `P` in spec 09 §6.1. */
  settings(...segments: readonly string[]): string;
}

/** How the file is written, and what holds the servers in it. */
export type FormatName = 'json' | 'yaml-map' | 'yaml-list' | 'toml-table' | 'toml-array';

/** A program that connects to MCP servers: where its settings are and how they name a server (spec 09 §6.1). */
export interface Client {
  readonly id: string;
  readonly displayName: string;
  readonly settingsFile: (places: Places) => string;
  /** Where entries of ours may be too, because the client has several files and which one is used depends on what exists. */
  readonly otherFiles?: (places: Places) => readonly string[];
  readonly format: FormatName;
  /** Key of the top level that holds the servers. */
  readonly section: string;
  /** The whole text of a file without servers, where the client refuses an empty one. */
  readonly emptyFile?: string;
  /** A server that serves none of these is not written. */
  readonly speaks: readonly Endpoint[];
  readonly entry: (server: Server, places: Places) => Entry;
  /** Under which of its keys an entry has its URL. */
  readonly urlKeys: readonly string[];
  /** Whether an entry without a URL starts a program of ours that leads to the workload of this name. */
  readonly startsOurs?: (entry: Entry, name: string) => boolean;
  /** What must exist for the client to count as installed; the settings file's folder unless told otherwise. */
  readonly installedWhen: 'folder' | 'file';
  readonly supportsSkills: boolean;
  readonly supportsPlugins: boolean;
  /** Advice for users of a client that its makers have given up. */
  readonly discontinued?: string;
}
