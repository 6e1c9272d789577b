import type { BuildAuthFileType } from '../../config/index.ts';
import type { PackageReference } from '../package-reference.ts';
import type { RuntimeSettings } from '../runtime-settings.ts';

/** All that decides the text of a Dockerfile. Nothing in it needs another check. */
export interface BuildPlan {
  readonly reference: PackageReference;
  /** What a folder has of its own; without one the recipe is that of the scheme. */
  readonly recipe?: Recipe | undefined;
  readonly runtime: RuntimeSettings;
  /** `ENV` of the builder stage, by name. */
  readonly buildEnvironment: Readonly<Record<string, string>>;
  /** Names of further variables, with secret values. They come as build arguments, because engines print every instruction. */
  readonly secretEnvironment: readonly string[];
  /** Names of build arguments of the builder stage; their values are not part of the text. */
  readonly buildArguments: readonly string[];
  /** A certificate that the user named, one found on this machine, or neither. */
  readonly certificates: ReadonlySet<'custom' | 'host'>;
  readonly authFiles: ReadonlySet<BuildAuthFileType>;
  /** Baked into the entrypoint. */
  readonly entrypointArguments: readonly string[];
  /** Local Go project: what to build, relative to the context, for example `./cmd/server`. */
  readonly localTarget: string | undefined;
  /** Where in the context our own files stand: '' or a folder with a slash behind. */
  readonly filesPrefix: string;
}

/** What a scheme has of its own. Each string is an instruction, each array a block. */
export interface Recipe {
  readonly builderEnvironment: readonly string[];
  /** Login file the scheme's tools read. */
  readonly authFile: BuildAuthFileType;
  install(plan: BuildPlan): readonly string[];
  /** What the final stage takes over, and its environment. */
  finish(plan: BuildPlan): readonly string[];
  entrypoint(plan: BuildPlan): readonly string[];
}
