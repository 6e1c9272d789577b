import type { Logger } from '../../platform/index.ts';
import type { AuthFileType } from '../dockerfile/types.ts';
import type { Scheme } from '../package-reference.ts';

/** How package tools of this machine reach their indexes, as far as a build needs to know it too. */
export interface HostSettings {
  /** Values of build arguments of the builder stage. */
  readonly arguments: Readonly<Record<string, string>>;
  /** The predefined proxy arguments, which hold for all stages and leave no trace. */
  readonly proxies: Readonly<Record<string, string>>;
  readonly authFiles: ReadonlyMap<AuthFileType, string>;
  /** PEM of the CAs that this machine trusts beyond the usual ones. */
  readonly certificates: string | undefined;
  /** Which indexes are asked, without logins. */
  readonly indexes: readonly string[];
}

export async function readHostSettings(
  _scheme: Scheme,
  _host: {
    readonly env: Readonly<Record<string, string | undefined>>;
    readonly home: string;
    /** What the user configured for builds; it is not looked for on the machine. */
    readonly configured: ReadonlyMap<AuthFileType, string>;
    readonly logger: Logger;
  },
): Promise<HostSettings> {
  return { arguments: {}, proxies: {}, authFiles: new Map(), certificates: undefined, indexes: [] };
}
