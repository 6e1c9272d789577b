import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ThvError } from '../../../errors/index.ts';
import { runTool, type ToolResult } from '../confined/installer.ts';
import { findProgram } from '../find-program.ts';
import type { InstallOptions } from '../types.ts';
import type { GoSettings } from '../user-settings/go.ts';

interface GoCall {
  readonly request: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly readOnlyPaths?: readonly string[];
  /** Where it builds to. */
  readonly folders: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly settings: GoSettings;
}

/** A module's versions lie as deep in the cache as its path has parts; `github.com/owner/name@v1.2.3` is the usual one. */
const CACHE_DEPTH = 4;

/** Whether the user has Go. */
export function hasGo({ env }: Pick<InstallOptions, 'env'>): boolean {
  return findProgram('go', env) !== undefined;
}

/** The `go` of this machine. Throws `ERR_PACKAGE_INSTALL` where there is none. */
export function requireGo(request: string, { env }: Pick<InstallOptions, 'env'>): string {
  const go = findProgram('go', env);
  if (go !== undefined) return go;
  throw new ThvError(
    'ERR_PACKAGE_INSTALL',
    { package: request, reason: 'go is not installed, or only a script that looks for it is on the PATH' },
    { hint: 'install Go (https://go.dev/dl/), or run the package in a container with --runtime docker' },
  );
}

/** Runs Go with nothing in its environment but what is named here: neither the user's `go env -w` nor flags of a folder. */
export function callGo(call: GoCall, options: InstallOptions): Promise<ToolResult> {
  const { request, args, cwd, folders, settings } = call;
  const go = requireGo(request, options);
  const cache = join(options.cacheFolder, 'go');
  return runTool(
    {
      request,
      call: (place) => ({
        command: [go, ...args],
        env: {
          ...settings.certificates.env(place.settings),
          ...settings.env,
          ...call.env,
          CGO_ENABLED: '0',
          GO111MODULE: 'on',
          GOENV: 'off',
          // History is not part of what is built, and asking git for it would run what its settings name.
          GOFLAGS: '-buildvcs=false',
          GOPATH: join(cache, 'path'),
          GOMODCACHE: join(cache, 'modules'),
          GOCACHE: join(cache, 'build'),
          GOTMPDIR: place.temporary,
          GOTELEMETRY: 'off',
          // Private modules are fetched by git: over TLS, and without asking anybody.
          GIT_TERMINAL_PROMPT: '0',
          GIT_ALLOW_PROTOCOL: 'https',
          GIT_CONFIG_GLOBAL: '/dev/null',
          GIT_CONFIG_NOSYSTEM: '1',
        },
      }),
      cwd,
      home: settings.netrc === undefined ? {} : { '.netrc': settings.netrc },
      settings: settings.certificates.files,
      readOnlyPaths: [...installationOf(go), ...settings.folders, ...(call.readOnlyPaths ?? [])],
      writable: [...folders.map((path) => ({ path })), { path: cache, cacheDepth: CACHE_DEPTH }],
      reach: settings.reach,
    },
    options,
  );
}

/** Compiler and standard library, which lie beside the program. */
function installationOf(go: string): readonly string[] {
  const root = dirname(dirname(go));
  return existsSync(join(root, 'src', 'runtime')) ? [root] : [go];
}
