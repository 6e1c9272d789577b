import type { Logger } from '../../platform/index.ts';
import type { JsRuntimeChoice } from '../../records/index.ts';
import type { Sandbox } from '../types.ts';

export type PackageScheme = 'npx' | 'uvx' | 'go' | 'folder';

/** `npx://@scope/name@1.2.3` in parts: the package is `@scope/name@1.2.3`; that of a folder is its whole path. */
export interface PackageRequest {
  readonly scheme: PackageScheme;
  readonly package: string;
}

/** What runs a JavaScript package, and why. */
export interface JsRuntime {
  readonly name: 'node' | 'bun';
  readonly version: string;
  /** The program, as a command names it: a path, or our runtime's place in a sandbox. */
  readonly program: string;
  /** What a sandbox has to show for it. */
  readonly paths: readonly string[];
  /** Why it is this one. */
  readonly reason: string;
  /** What may help a server that dies; `undefined` where the runtime is what the package was made for. */
  readonly wayOut: string | undefined;
}

/** A package that can be run. */
export interface InstalledPackage {
  /** With the version that was found: `npx://@scope/name@1.2.3`; the path of a folder. */
  readonly reference: string;
  readonly version: string;
  /** Program and first arguments. */
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** What has to be seen, at its place, to run it. */
  readonly readOnlyPaths: readonly string[];
  /** Where its words have to be run; its work folder unless given. */
  readonly cwd?: string;
  /** What `node` is in its sandbox, as in `ProcessSpec`. */
  readonly node?: string;
  /** What runs it, where it is JavaScript. */
  readonly jsRuntime?: JsRuntime;
  /** Packages in it whose install scripts were not run, as `name@1.2.3`. */
  readonly heldBack?: readonly string[];
  /** To be disposed of when nothing of it is run any more: until then it is not tidied away. */
  readonly use?: Disposable;
}

export interface InstallOptions {
  /** `<data>/toolhive/packages` */
  readonly folder: string;
  /** `<cache>/toolhive`: downloads. */
  readonly cacheFolder: string;
  /** Environment of the user: registry settings and credentials are found by it. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The command that starts this program, which is a package manager, too. */
  readonly self: readonly string[];
  /** Every installer and build tool runs in it. */
  readonly sandbox: Sandbox;
  /** Packages may run programs of their own while they are installed. */
  readonly allowScripts: boolean;
  /** What is to run JavaScript; absent for the machine's Node where one fits. */
  readonly jsRuntime?: JsRuntimeChoice | undefined;
  /** The server reaches others only through a proxy that its environment names. */
  readonly behindProxy?: boolean;
  /** Further Python requirements, beside a package from PyPI. */
  readonly buildWith?: readonly string[];
  /** Gets one line when something is downloaded. */
  readonly progress: (line: string) => void;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}
