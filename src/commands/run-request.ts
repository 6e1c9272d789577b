import { resolve } from 'node:path';
import type { Invocation, OptionsOf } from '../cli/index.ts';
import type { OidcSettings } from '../oidc/index.ts';
import type { ResourceLimits } from '../records/index.ts';
import {
  createRunRequest,
  type ProxySettings,
  type RunRequest,
  runtimeOverride,
  type ServerSettings,
} from '../workloads/index.ts';
import { oidcSettings } from './oidc-flags.ts';
import type { runFlags } from './run-flags.ts';
import { tokenExchangeOf } from './token-exchange-flags.ts';

export type RunInvocation = Invocation<OptionsOf<typeof runFlags>>;
type RunOptions = RunInvocation['options'];

/** What the words and flags of `thv run` ask for. Throws what `createRunRequest` throws. */
export function runRequest({
  options,
  words,
  serverArguments,
  debug,
  env,
}: Pick<RunInvocation, 'options' | 'words' | 'serverArguments' | 'debug' | 'env'>): RunRequest {
  return createRunRequest({
    source: words[0] ?? '',
    name: given(options.name),
    group: options.group,
    transport: given(options.transport),
    labels: options.label.labels,
    proxy: proxySettings(options, env),
    server: serverSettings(options, serverArguments),
    remote: { headers: options.remoteForwardHeaders, headerSecrets: options.remoteForwardHeadersSecret },
    debug,
  });
}

function proxySettings(options: RunOptions, env: RunInvocation['env']): ProxySettings {
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
    authzConfigFile: given(options.authzConfig),
    locksTools: options.locked,
    audit: auditOf(options),
    tokenExchange: tokenExchangeOf(options, env),
    webhookFiles: options.webhookConfig,
    callers: {
      oidc: absolutePaths(oidcSettings(options, env)),
      resourceUrl: options.resourceUrl,
      requireToken: options.requireToken,
      forwardAuthorization: options.forwardAuthorization,
    },
  };
}

/** The file wins (spec 05 §16.1). */
function auditOf({ auditConfig, enableAudit }: RunOptions): ProxySettings['audit'] {
  return auditConfig !== '' || enableAudit ? { kind: 'file', path: auditConfig } : undefined;
}

function serverSettings(options: RunOptions, serverArguments: readonly string[]): ServerSettings {
  const profile = given(options.permissionProfile);
  return {
    runtime: given(options.runtime),
    noSandbox: options.noSandbox,
    allowInstallScripts: options.allowInstallScripts,
    learnedPermissionsFile: absolute(options.learnPermissions),
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
    isolation: options.isolateNetwork ? 'required' : 'none',
    allowDockerGateway: options.allowDockerGateway,
    caCertificate: given(options.caCert),
    imageVerification: options.imageVerification,
    runtimeOverride: runtimeOverride({
      builder_image: options.runtimeImage,
      additional_packages: options.runtimeAddPackage,
      build_with: options.buildWith,
    }),
  };
}

function absolute(path: string): string | undefined {
  return path === '' ? undefined : resolve(path);
}

/** The workload host has another working folder. */
function absolutePaths(settings: OidcSettings): OidcSettings {
  const { caBundle, authTokenFile } = settings;
  return {
    ...settings,
    caBundle: absolute(caBundle) ?? '',
    authTokenFile: absolute(authTokenFile) ?? '',
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
