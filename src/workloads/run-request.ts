import type { AuditConfig } from '../audit/index.ts';
import { NO_OIDC, type OidcSettings } from '../oidc/index.ts';
import {
  type JsRuntimeChoice,
  type PermissionProfile,
  type ResourceLimits,
  RUNTIME_WORDS,
  type SecretParameter,
  type Transport,
  type VerificationMode,
} from '../records/index.ts';
import type { PublishedPort, Volume } from '../sandbox/index.ts';
import type { GivenTokenExchange } from './resolve-token-exchange.ts';
import type { RuntimeOverride } from './runtime-override.ts';
import type { ToolsOverride } from './tools-override.ts';

/** What `--runtime`, `TOOLHIVE_RUNTIME` and a request to the API may ask for (spec 03 §1.1). */
export const RUNTIMES = ['auto', ...Object.values(RUNTIME_WORDS).flat()] as const;
export type RuntimeChoice = (typeof RUNTIMES)[number];

/** Text for any other runtime. */
export function unknownRuntime(text: string): string {
  return `runtime "${text}" not found. Available runtimes: ${RUNTIMES.join(', ')}`;
}

/** What a run may be told about, whatever its server is. */
interface Common {
  readonly name: string | undefined;
  /** A group that exists; '' for none. */
  readonly group: string;
  readonly transport: Transport | undefined;
  /** When neither the user nor the source says; default `streamable-http`. */
  readonly fallbackTransport?: Transport;
  readonly labels: Readonly<Record<string, string>>;
  readonly proxy: ProxySettings;
  readonly debug: boolean;
}

/** What is to be run, in normal form: each door (flags, API, clients' settings) parses into this, and nothing behind it parses again. */
export interface RunRequest extends Common {
  readonly target: RunTarget;
}

/** A request whose source has not been looked at yet: either kind of settings may turn out not to apply to it. */
export interface GivenRun extends Common {
  /** The first positional argument (spec 01 §4.1). */
  readonly source: string;
  readonly server: ServerSettings;
  readonly remote: RemoteSettings;
}

type RunTarget =
  /** A remote server, by its URL. */
  | { readonly kind: 'url'; readonly url: string; readonly remote: RemoteSettings }
  /** Registry name, package with its scheme, folder or image. A registry may say that a name is a remote server's. */
  | {
      readonly kind: 'word';
      readonly word: string;
      readonly server: ServerSettings;
      readonly remote: RemoteSettings;
    };

/** How the proxy in front of a server behaves. */
export interface ProxySettings {
  readonly mode: 'sse' | 'streamable-http';
  /** 0 = any free port. */
  readonly port: number;
  /** IPv4 address or host name. */
  readonly host: string;
  /** Origins that replace the defaults; empty for these. */
  readonly allowedOrigins: readonly string[];
  readonly trustProxyHeaders: boolean;
  readonly strictProtocolValidation: boolean;
  readonly stateless: boolean;
  /** 0 for the default. */
  readonly sessionTtlMs: number;
  /** Begins with `/`; '' for none. */
  readonly endpointPrefix: string;
  /** Tools that clients see, by the names they see; empty for all. */
  readonly tools: readonly string[];
  /** File with other names and descriptions for tools. */
  readonly toolsOverrideFile: string | undefined;
  /** The same, as it came with the request; added to what the file says. */
  readonly toolsOverride: ToolsOverride;
  /** File with the policies that callers are judged by. */
  readonly authzConfigFile: string | undefined;
  /** Only tools that are as they were locked are shown and called. */
  readonly locksTools: boolean;
  /** What is audited; `undefined` for nothing. */
  readonly audit: GivenAudit | undefined;
  /** Files of `--webhook-config`. */
  readonly webhookFiles: readonly string[];
  /** `undefined`: callers' tokens are not exchanged. */
  readonly tokenExchange: GivenTokenExchange | undefined;
  readonly callers: CallerSettings;
}

/** Who may call a workload, and what its server hears of them (spec 05). */
export interface CallerSettings {
  readonly oidc: OidcSettings;
  /** RFC 9728 resource identifier; '' for none. */
  readonly resourceUrl: string;
  /** Access tokens of `thv token create` are asked for, and taken. */
  readonly requireToken: boolean;
  /** A remote server gets the tokens that were checked here. */
  readonly forwardAuthorization: boolean;
}

export type GivenAudit =
  /** `--audit-config`; '' for the usual settings. */
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'config'; readonly config: AuditConfig };

/** How a server is run on this machine. */
export interface ServerSettings {
  /** `undefined`: what `TOOLHIVE_RUNTIME` says. */
  readonly runtime: RuntimeChoice | undefined;
  /** A process with all rights of the user. */
  readonly noSandbox: boolean;
  /** Packages of a process may run programs while they are installed. */
  readonly allowInstallScripts: boolean;
  /** File that is told what the server uses of the network, which is all allowed meanwhile; an absolute path. */
  readonly learnedPermissionsFile?: string | undefined;
  /** What runs a JavaScript package that is a process; `undefined` for what the configuration says. */
  readonly jsRuntime: JsRuntimeChoice | undefined;
  /** What the server may use of the machine; absent for the defaults. */
  readonly limits: ResourceLimits | undefined;
  readonly arguments: readonly string[];
  /** 0 = any free port. */
  readonly targetPort: number;
  readonly targetHost: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Path of a file with more variables, and of a folder of such files. */
  readonly environmentFile: string | undefined;
  readonly environmentFolder: string | undefined;
  readonly secrets: readonly SecretParameter[];
  readonly volumes: readonly Volume[];
  /** Which ignore files are followed, and whether what they hide is logged. */
  readonly ignore?: { readonly loadGlobal: boolean; readonly printOverlays: boolean };
  readonly publish: readonly PublishedPort[];
  /** `undefined` for what the server's source says, else the profile `network`. */
  readonly permissions: GivenPermissions | undefined;
  /** Engine network mode, '' for the default. */
  readonly networkMode: string;
  readonly isolation: RequestedIsolation;
  /** An isolated container may also reach the machine, by the names and the address that engines give it. */
  readonly allowDockerGateway: boolean;
  /** CA certificate for image builds, a path; `undefined` for the configured one. */
  readonly caCertificate: string | undefined;
  /** What is asked of its image before it runs; absent for a warning. */
  readonly imageVerification?: VerificationMode | undefined;
  /** How an image is built for a package. */
  readonly runtimeOverride: RuntimeOverride | undefined;
}

/** `wanted` gives way to a network mode that has no isolation, `required` is an error there. */
export type RequestedIsolation = 'none' | 'wanted' | 'required';

export type GivenPermissions =
  /** `none`, `network` or the path of a file. */
  | { readonly kind: 'named'; readonly nameOrPath: string }
  | { readonly kind: 'profile'; readonly profile: PermissionProfile };

/** What a remote server is sent. */
export interface RemoteSettings {
  readonly headers: Readonly<Record<string, string>>;
  /** Names of secrets by header. */
  readonly headerSecrets: Readonly<Record<string, string>>;
  /** What a registry says of the server's headers, for the document; `undefined` for what the entry says. */
  readonly declaredHeaders?: readonly Readonly<Record<string, unknown>>[] | undefined;
  /** What the document has for an image; `undefined` for the source. */
  readonly image?: string | undefined;
}

/** A proxy that nothing was said about. */
export const USUAL_PROXY: ProxySettings = {
  mode: 'sse',
  port: 0,
  host: '127.0.0.1',
  allowedOrigins: [],
  trustProxyHeaders: false,
  strictProtocolValidation: false,
  stateless: false,
  sessionTtlMs: 0,
  endpointPrefix: '',
  tools: [],
  toolsOverrideFile: undefined,
  toolsOverride: {},
  authzConfigFile: undefined,
  locksTools: false,
  audit: undefined,
  tokenExchange: undefined,
  webhookFiles: [],
  callers: { oidc: NO_OIDC, resourceUrl: '', requireToken: false, forwardAuthorization: false },
};

/** A server that nothing was said about. */
export const USUAL_SERVER: ServerSettings = {
  runtime: undefined,
  noSandbox: false,
  allowInstallScripts: false,
  jsRuntime: undefined,
  limits: undefined,
  arguments: [],
  targetPort: 0,
  targetHost: '127.0.0.1',
  environment: {},
  environmentFile: undefined,
  environmentFolder: undefined,
  secrets: [],
  volumes: [],
  publish: [],
  permissions: undefined,
  networkMode: '',
  isolation: 'none',
  allowDockerGateway: false,
  caCertificate: undefined,
  runtimeOverride: undefined,
};
