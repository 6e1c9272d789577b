/** What discovery knows of the machine it looks at. */
export interface HostFacts {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly platform: NodeJS.Platform;
  readonly home: string;
}

/** A socket or pipe that may be an engine's. */
export interface SocketCandidate {
  readonly address: string;
  /** Where the address comes from, for people. */
  readonly origin: string;
  /** Why it is not worth a try. */
  readonly problem?: string;
}
