import type { Invocation, OptionsOf } from '../cli/index.ts';
import type { ResourceLimits } from '../records/index.ts';
import {
  createRunRequest,
  type ProxySettings,
  type RunRequest,
  runtimeOverride,
  type ServerSettings,
} from '../workloads/index.ts';
import type { runFlags } from './run-flags.ts';

export type RunInvocation = Invocation<OptionsOf<typeof runFlags>>;
type RunOptions = RunInvocation['options'];

/** What the words and flags of `thv run` ask for. Throws what `createRunRequest` throws. */
export function runRequest({
  options,
  words,
  serverArguments,
  debug,
}: Pick<RunInvocation, 'options' | 'words' | 'serverArguments' | 'debug'>): RunRequest {
  return createRunRequest({
    source: words[0] ?? '',
    name: given(options.name),
    group: options.group,
    transport: given(options.transport),
    labels: options.label.labels,
    proxy: proxySettings(options),
    server: serverSettings(options, serverArguments),
    remote: { headers: options.remoteForwardHeaders, headerSecrets: options.remoteForwardHeadersSecret },
    debug,
  });
}

function proxySettings(options: RunOptions): ProxySettings {
  return {
    mode: options.proxyMode,
    port: options.proxyPort,
    host: options.host,
    allowedOrigins: options.allowedOrigins,
    trustProxyHeaders: options.trustProxyHeaders,
    strictProtocolValidation: options.strictProtocolValidation,
    stateless: options.stateless,
    sessionTtlMs: options.sessionTtl,
    endpointPrefix: options.endpointPrefix,
    tools: options.tools,
    toolsOverrideFile: given(options.toolsOverride),
    toolsOverride: {},
  };
}

function serverSettings(options: RunOptions, serverArguments: readonly string[]): ServerSettings {
  const profile = given(options.permissionProfile);
  return {
    runtime: given(options.runtime),
    noSandbox: options.noSandbox,
    allowInstallScripts: options.allowInstallScripts,
    jsRuntime: given(options.jsRuntime),
    limits: limitsOf(options),
    arguments: serverArguments,
    targetPort: options.targetPort,
    targetHost: options.targetHost,
    environment: options.env,
    environmentFile: given(options.envFile),
    environmentFolder: given(options.envFileDir),
    secrets: options.secret,
    volumes: options.volume,
    ignore: { loadGlobal: options.ignoreGlobally, printOverlays: options.printResolvedOverlays },
    publish: options.publish,
    permissions: profile === undefined ? undefined : { kind: 'named', nameOrPath: profile },
    networkMode: options.network,
    caCertificate: given(options.caCert),
    imageVerification: options.imageVerification,
    runtimeOverride: runtimeOverride({
      builder_image: options.runtimeImage,
      additional_packages: options.runtimeAddPackage,
      build_with: options.buildWith,
    }),
  };
}

/** A flag that is given without a value is one that is not given. */
function given<Text extends string>(text: Text): Exclude<Text, ''> | undefined {
  return text === '' ? undefined : (text as Exclude<Text, ''>);
}

/** What was given of them; `undefined` for nothing. */
function limitsOf({ memory, cpus, pids }: RunOptions): ResourceLimits | undefined {
  const limits: ResourceLimits = {
    ...(memory === undefined ? {} : { memory }),
    ...(cpus === undefined ? {} : { cpus }),
    ...(pids === undefined ? {} : { pids }),
  };
  return Object.keys(limits).length === 0 ? undefined : limits;
}
