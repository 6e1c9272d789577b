import type { Invocation, OptionsOf } from '../cli/index.ts';
import type { ResourceLimits } from '../records/index.ts';
import { type RunRequest, runtimeOverride } from '../workloads/index.ts';
import type { runFlags } from './run-flags.ts';

export type RunInvocation = Invocation<OptionsOf<typeof runFlags>>;

/** What the words and flags of `thv run` ask for. */
export function runRequest({
  options,
  words,
  serverArguments,
  debug,
}: Pick<RunInvocation, 'options' | 'words' | 'serverArguments' | 'debug'>): RunRequest {
  const given = (text: string) => (text === '' ? undefined : text);
  return {
    source: words[0] ?? '',
    runtime: options.runtime === '' ? undefined : options.runtime,
    noSandbox: options.noSandbox,
    allowInstallScripts: options.allowInstallScripts,
    jsRuntime: options.jsRuntime === '' ? undefined : options.jsRuntime,
    resourceLimits: limitsOf(options),
    serverArguments,
    name: given(options.name),
    group: options.group,
    transport: options.transport === '' ? undefined : options.transport,
    proxyMode: options.proxyMode,
    proxyPort: options.proxyPort,
    host: options.host,
    targetPort: options.targetPort,
    targetHost: options.targetHost,
    environment: options.env,
    environmentFile: given(options.envFile),
    environmentFolder: given(options.envFileDir),
    secrets: options.secret,
    labels: options.label,
    volumes: options.volume,
    ignore: { loadGlobal: options.ignoreGlobally, printOverlays: options.printResolvedOverlays },
    permissionProfile: given(options.permissionProfile),
    publish: options.publish,
    networkMode: options.network,
    tools: options.tools,
    toolsOverrideFile: given(options.toolsOverride),
    allowedOrigins: options.allowedOrigins,
    trustProxyHeaders: options.trustProxyHeaders,
    strictProtocolValidation: options.strictProtocolValidation,
    stateless: options.stateless,
    sessionTtlMs: options.sessionTtl,
    endpointPrefix: options.endpointPrefix,
    forwardHeaders: options.remoteForwardHeaders,
    forwardHeaderSecrets: options.remoteForwardHeadersSecret,
    caCertificate: given(options.caCert),
    runtimeOverride: runtimeOverride({
      builder_image: options.runtimeImage,
      additional_packages: options.runtimeAddPackage,
      build_with: options.buildWith,
    }),
    debug,
  };
}

/** What was given of them; `undefined` for nothing. */
function limitsOf({ memory, cpus, pids }: RunInvocation['options']): ResourceLimits | undefined {
  const limits: ResourceLimits = {
    ...(memory === '' ? {} : { memory }),
    ...(cpus === undefined ? {} : { cpus }),
    ...(pids === undefined ? {} : { pids }),
  };
  return Object.keys(limits).length === 0 ? undefined : limits;
}
