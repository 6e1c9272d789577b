/** A folder of this machine that becomes a server, as far as it can be told without building it. */
export type FolderProject = DockerfileProject | NodeProject | PythonProject | GoProject;

interface Common {
  /** The folder, absolute and with links resolved. */
  readonly folder: string;
  /** What the project calls itself, else the name of the folder; free text. */
  readonly name: string;
}

/** Has a Dockerfile of its own, which says everything. */
export interface DockerfileProject extends Common {
  readonly kind: 'dockerfile';
  /** Its name in the folder. */
  readonly dockerfile: string;
}

/** Has a `go.mod`, or Go files below one; built like `go://` with the path of the folder. */
export interface GoProject extends Common {
  readonly kind: 'go';
}

/** What installs a Node project, and what of it the lock file demands. */
export interface NodeInstaller {
  readonly tool: 'npm' | 'pnpm' | 'yarn' | 'yarn-classic' | 'bun';
  /** As `npm install` takes it, for example `pnpm@10`; npm itself comes with the image. */
  readonly packageSpec: string | undefined;
  /** Name of the lock file; without one the newest versions that fit are installed. */
  readonly lockFile: string | undefined;
}

export interface NodeProject extends Common {
  readonly kind: 'node';
  readonly installer: NodeInstaller;
  /** Words of the command, to be run in `/app`. */
  readonly command: readonly string[];
  /** Has a `build` script. */
  readonly hasBuild: boolean;
  /** Development packages are needed to make it: it has a `build` script or one that runs with the installation. */
  readonly needsDevelopment: boolean;
  /** Packages can be installed from the package and lock file alone, so a change of the sources does not reinstall them. */
  readonly installsAlone: boolean;
}

export interface PythonProject extends Common {
  readonly kind: 'python';
  readonly run: /** What the script calls, `package.module:function`; free text. */
    | { readonly kind: 'script'; readonly script: string; readonly entryPoint: string }
    | { readonly kind: 'module'; readonly module: string }
    | { readonly kind: 'file'; readonly file: string };
  /** Has a `uv.lock`. */
  readonly isLocked: boolean;
  /** Has a `[build-system]`, so that uv installs the project itself along with its dependencies. */
  readonly isPackage: boolean;
  /** Modules are below `src`. */
  readonly hasSourceFolder: boolean;
  /** See `NodeProject`. */
  readonly installsAlone: boolean;
  /** Image of a Python that the project accepts; `undefined` when the usual one will do. */
  readonly image: string | undefined;
}
