/** Where a client connects to. */
export interface Server {
  readonly name: string;
  /** As it is written into settings (spec 09 §6.2). */
  readonly url: string;
  /** What the URL serves, whatever the server behind it speaks. */
  readonly endpoint: 'sse' | 'streamable-http';
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
  readonly format: FormatName;
  /** Key of the top level that holds the servers. */
  readonly section: string;
  readonly entry: (server: Server) => Entry;
  /** Under which of its keys an entry has its URL. */
  readonly urlKeys: readonly string[];
  /** What must exist for the client to count as installed; the settings file's folder unless told otherwise. */
  readonly installedWhen: 'folder' | 'file';
  readonly supportsSkills: boolean;
  readonly supportsPlugins: boolean;
  /** What to tell whoever still uses it. */
  readonly discontinued?: string;
}
