/** This machine, as seen by the readers of settings. */
export interface HostFacts {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  readonly platform: NodeJS.Platform;
  /** `undefined` for a file that is not there or may not be read. */
  readText(path: string): Promise<string | undefined>;
}

/** How the tools of one scheme are set to reach their packages. */
export interface IndexSettings {
  /** Environment variables for the tool. */
  readonly variables: Readonly<Record<string, string>>;
  /** Content of an `.npmrc`. */
  readonly npmrc?: string | undefined;
  /** URLs or hosts of the indexes in use, for logins that are kept elsewhere. */
  readonly indexes: readonly string[];
  /** Paths of CA files that the tool is told to trust. */
  readonly certificateFiles: readonly string[];
}
