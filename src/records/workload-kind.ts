import type { RunConfig } from './run-config.ts';

type RemoteConfig = RunConfig & { readonly remote_url: string };

/** What runs a workload's server, with the document as that kind has it. */
type KindedConfig =
  /** An engine runs it; `image` is an image. */
  | { readonly kind: 'container'; readonly config: RunConfig }
  /** This machine runs it as a process; `image` is a package (`npx://name@1.2.3`) or a folder. */
  | { readonly kind: 'process'; readonly config: RunConfig }
  /** It runs elsewhere and is reached at a URL. */
  | { readonly kind: 'remote'; readonly config: RemoteConfig };
export type WorkloadKind = KindedConfig['kind'];

/** Words by which users ask for a kind, as in `--runtime podman` (spec 03 §1.1). A server that runs elsewhere is named by its URL. */
export const RUNTIME_WORDS = {
  container: ['docker', 'podman'],
  process: ['process'],
  remote: [],
} as const satisfies Readonly<Record<WorkloadKind, readonly string[]>>;

/**
 * How users ask for a kind for all runs that do not ask themselves. It is read where the program is entered; further in, the word is a
 * value of its own. Another program of ours is told by it again.
 */
export const RUNTIME_VARIABLE = 'TOOLHIVE_RUNTIME';

/** The word of that variable, which may be none that is known; '' where it is not set. */
export function runtimeAskedBy(env: Readonly<Record<string, string | undefined>>): string {
  return env[RUNTIME_VARIABLE]?.trim() ?? '';
}

/** How a document says its kind, where `kindOf` would not know it without. */
export function namedRuntime(kind: WorkloadKind): Pick<RunConfig, 'runtime'> {
  return kind === 'process' ? { runtime: kind } : {};
}

/** Decides the kind of a document. Nothing else reads `remote_url` or `runtime` to find out. */
export function kindOf(config: RunConfig): KindedConfig {
  if (isRemote(config)) return { kind: 'remote', config };
  return { kind: config.runtime ?? 'container', config };
}

function isRemote(config: RunConfig): config is RemoteConfig {
  return (config.remote_url ?? '').trim() !== '';
}
