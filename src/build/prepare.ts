import type { ApplicationConfig, BuildAuthFileType } from '../config/index.ts';
import { ThvError } from '../errors/index.ts';
import type { Logger } from '../platform/index.ts';
import { readAuthFiles } from './auth-files.ts';
import { type OpenSecrets, resolveBuildEnvironment } from './build-environment.ts';
import { readCertificateFile } from './certificate-file.ts';
import type { ContextEntry } from './context-tar.ts';
import { CUSTOM_CERTIFICATE_FILE, HOST_CERTIFICATES_FILE } from './dockerfile/certificates.ts';
import { secretArgument } from './dockerfile/render.ts';
import type { BuildPlan, Recipe } from './dockerfile/types.ts';
import { type HostSettings, readHostSettings } from './host-settings/read.ts';
import { type LocalProject, openLocalProject } from './local-project.ts';
import type { PackageReference } from './package-reference.ts';
import { type RuntimeOverride, resolveRuntimeSettings } from './runtime-settings.ts';

/** What a build is made from, besides the package. */
export interface BuildInputs {
  readonly config: ApplicationConfig;
  /** Flags, or `runtime_config` of a run config. */
  readonly override?: RuntimeOverride | undefined;
  /** `--ca-cert`; '' and `undefined` leave it to the configuration. */
  readonly caCertPath?: string | undefined;
  /** Baked into the entrypoint. */
  readonly entrypointArguments?: readonly string[] | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  /** What local paths are relative to. */
  readonly workingFolder: string;
  readonly openSecrets: OpenSecrets;
  readonly logger: Logger;
  readonly signal?: AbortSignal | undefined;
}

/** A folder that is built by a recipe of its own, with the tools of a scheme. */
export interface FolderBuild {
  readonly recipe: Recipe;
  readonly project: LocalProject;
  /** Builder image that suits it better than the usual one. */
  readonly image: string | undefined;
}

/** A build with every decision made, and nothing done. */
export interface PreparedBuild {
  readonly plan: BuildPlan;
  /** Our own files of the context, without the Dockerfile. */
  readonly files: readonly ContextEntry[];
  readonly project: LocalProject | undefined;
  readonly buildArguments: Readonly<Record<string, string>>;
  /** What of certificates and settings decides the result, free of secrets. */
  readonly keyFacts: Readonly<Record<string, unknown>>;
}

/** Reads and checks everything that a build needs (spec 03 §13.5, §13.6). Throws before anything is built or written. */
export async function prepareBuild(
  reference: PackageReference,
  inputs: BuildInputs,
  folder?: FolderBuild,
): Promise<PreparedBuild> {
  const { config, override, env, home, openSecrets, logger } = inputs;
  const configuredRuntime = config.runtime_configs?.[reference.scheme];
  const runtime = resolveRuntimeSettings(reference.scheme, {
    flags: override,
    file: { ...configuredRuntime, builder_image: configuredRuntime?.builder_image || folder?.image },
  });
  const entrypointArguments = (inputs.entrypointArguments ?? []).map(checkedArgument);
  const project =
    folder?.project ??
    (reference.isLocal ? await openLocalProject(reference.package, inputs.workingFolder) : undefined);
  const caPath = inputs.caCertPath || config.ca_certificate_path;
  const custom = caPath ? await readCertificateFile(caPath, logger) : undefined;
  const environment = await resolveBuildEnvironment(config, { env, openSecrets, logger });
  const configured = await readAuthFiles(config, openSecrets);
  const host = await readHostSettings(reference.scheme, { env, home, configured, logger });
  const authFiles = new Map<BuildAuthFileType, string>([...host.authFiles, ...configured]);
  // What the user set by hand is not set a second time from the machine's settings.
  const ofHost = Object.entries(host.arguments).filter(
    ([name]) => !(name in environment.plain || name in environment.secret),
  );
  const filesPrefix = project === undefined ? '' : '.thv-build/';
  const plan: BuildPlan = {
    reference,
    recipe: folder?.recipe,
    runtime,
    buildEnvironment: environment.plain,
    secretEnvironment: Object.keys(environment.secret),
    buildArguments: ofHost.map(([name]) => name),
    certificates: new Set([
      ...(custom === undefined ? [] : (['custom'] as const)),
      ...(host.certificates === undefined ? [] : (['host'] as const)),
    ]),
    authFiles: new Set(authFiles.keys()),
    entrypointArguments,
    localTarget: project?.target,
    filesPrefix,
  };
  const files = contextFiles({ custom, host, authFiles }).map(([name, content]) => ({
    kind: 'text' as const,
    path: `${filesPrefix}${name}`,
    content,
    mode: 0o600,
  }));
  return {
    plan,
    files,
    project,
    buildArguments: {
      ...host.proxies,
      ...Object.fromEntries(ofHost),
      ...Object.fromEntries(
        Object.entries(environment.secret).map(([name, value]) => [secretArgument(name), value]),
      ),
    },
    keyFacts: { custom, hostCertificates: host.certificates, indexes: host.indexes },
  };
}

function contextFiles({
  custom,
  host,
  authFiles,
}: {
  readonly custom: string | undefined;
  readonly host: HostSettings;
  readonly authFiles: ReadonlyMap<BuildAuthFileType, string>;
}): readonly (readonly [string, string])[] {
  return [
    ...(custom === undefined ? [] : [[CUSTOM_CERTIFICATE_FILE, custom] as const]),
    ...(host.certificates === undefined ? [] : [[HOST_CERTIFICATES_FILE, host.certificates] as const]),
    ...[...authFiles].map(([type, content]) => [`.${type}`, content] as const),
  ];
}

/** Python's entrypoint goes through a shell with single quotes; the rule is one for all schemes (spec 03 §13.4). */
function checkedArgument(argument: string): string {
  if (!argument.includes("'") && !argument.includes('\0')) return argument;
  throw new ThvError('ERR_BUILD_INPUT_INVALID', {
    reason: `buildArg cannot contain single quotes: ${argument}`,
  });
}
