import * as v from 'valibot';
import { ownGroupFlag } from '../cli/index.ts';
import { JS_RUNTIME_CHOICES, VERIFICATION_MODES } from '../records/index.ts';
import { RUNTIMES, unknownRuntime } from '../workloads/index.ts';
import { oidcFlags } from './oidc-flags.ts';
import {
  Cpus,
  EndpointPrefix,
  Environment,
  HeaderSecrets,
  Headers,
  Labels,
  Memory,
  Pids,
  Port,
  ProxyMode,
  Published,
  ResourceUrl,
  RUN_CONFIG,
  Secrets,
  SessionTtl,
  Switch,
  Text,
  Texts,
  Tools,
  Transport,
  Volumes,
} from './run-flag-schemas.ts';
import { tokenExchangeFlags } from './token-exchange-flags.ts';
import { waitFlags } from './wait-until-running.ts';

/** Flags of `thv run`, in the order of its help (spec 01 §4.3). */
export const runFlags = {
  name: {
    kind: 'string',
    help: 'Name of the MCP server (auto-generated from image if not provided)',
    schema: Text,
  },
  group: ownGroupFlag,
  transport: {
    kind: 'string',
    help: 'Transport mode (sse, streamable-http or stdio); unless given what the registry says, stdio for packages and folders, streamable-http for images',
    schema: Transport,
  },
  'proxy-mode': {
    kind: 'string',
    help: 'Proxy mode for stdio transport (sse or streamable-http)',
    schema: ProxyMode,
  },
  'proxy-port': {
    kind: 'int',
    help: 'Port for the HTTP proxy to listen on (host port)',
    schema: Port(
      (port) =>
        `${RUN_CONFIG}: requested proxy port ${port} is not available (ports are 1 to 65535; 0 takes a free one)`,
    ),
  },
  host: {
    kind: 'string',
    help: 'Host for the HTTP proxy to listen on (IP or hostname)',
    schema: v.optional(v.string(), '127.0.0.1'),
  },
  'target-port': {
    kind: 'int',
    help: 'Port for the container to expose (only applicable to SSE or Streamable HTTP transport)',
    schema: Port(
      (port) => `${RUN_CONFIG}: invalid value for --target-port: ${port} (must be between 0 and 65535)`,
    ),
  },
  'target-host': {
    kind: 'string',
    help: 'Host to forward traffic to (only applicable to SSE or Streamable HTTP transport)',
    schema: v.optional(v.string(), '127.0.0.1'),
  },
  env: {
    kind: 'stringArray',
    shorthand: 'e',
    help: 'Environment variables to pass to the MCP server (format: KEY=VALUE)',
    schema: Environment,
  },
  'env-file': { kind: 'string', help: 'Load environment variables from a single file', schema: Text },
  'env-file-dir': {
    kind: 'string',
    help: 'Load environment variables from all files in a directory',
    schema: Text,
  },
  secret: {
    kind: 'stringArray',
    help: 'Specify a secret to be fetched from the secrets manager and set as an environment variable (format: NAME,target=TARGET)',
    schema: Secrets,
  },
  label: {
    kind: 'stringArray',
    shorthand: 'l',
    help: 'Set labels on the container (format: key=value)',
    schema: Labels,
  },
  volume: {
    kind: 'stringArray',
    shorthand: 'v',
    help: 'Mount a volume into the container (format: host-path:container-path[:ro])',
    schema: Volumes,
  },
  'ignore-globally': {
    kind: 'bool',
    help: 'Load global ignore patterns from ~/.config/toolhive/thvignore',
    schema: v.optional(v.boolean(), true),
  },
  'print-resolved-overlays': {
    kind: 'bool',
    help: "Debug: show resolved container paths for tmpfs overlays, in the workload's log",
    schema: Switch,
  },
  'permission-profile': {
    kind: 'string',
    help: 'Permission profile to use (none, network, or path to JSON file)',
    schema: Text,
  },
  'learn-permissions': {
    kind: 'string',
    help: 'Allow all of the network, and on stop write a permission profile of what was used to this file',
    schema: Text,
  },
  memory: {
    kind: 'string',
    help: 'Memory that the server may use (such as 512m or 2g; unlimited for no limit; default: half of the machine, 4g at most)',
    schema: Memory,
  },
  cpus: {
    kind: 'string',
    help: 'Processors that the server may use (such as 0.5; default: no limit)',
    schema: Cpus,
  },
  pids: {
    kind: 'string',
    help: 'Processes and threads that the server may have (unlimited for no limit; default: 2048)',
    schema: Pids,
  },
  publish: {
    kind: 'stringArray',
    shorthand: 'p',
    help: "Publish a container's port to the host (format: hostPort:containerPort or containerPort)",
    schema: Published,
  },
  network: {
    kind: 'string',
    help: "Connect the container to a network (e.g., 'host' for host networking)",
    schema: Text,
  },
  'isolate-network': {
    kind: 'bool',
    help: 'Isolate the network of the server: it reaches only what its permission profile grants',
    schema: Switch,
  },
  'allow-docker-gateway': {
    kind: 'bool',
    help: 'Let an isolated container reach this machine (host.docker.internal and the gateway of the engine)',
    schema: Switch,
  },
  tools: {
    kind: 'stringArray',
    help: 'Filter MCP server tools (comma-separated list of tool names); may be repeated',
    schema: Tools,
  },
  'tools-override': {
    kind: 'string',
    help: 'Path to a JSON file with other names and descriptions for tools',
    schema: Text,
  },
  'authz-config': {
    kind: 'string',
    help: 'Path to a file with the policies that say who may use which tools, prompts and resources (JSON or YAML)',
    schema: Text,
  },
  locked: {
    kind: 'bool',
    help: "Show and call only tools that are as 'thv lock' recorded them",
    schema: Switch,
  },
  'audit-config': {
    kind: 'string',
    help: 'Path to a file that says what is audited, and where to (JSON or YAML)',
    schema: Text,
  },
  'enable-audit': {
    kind: 'bool',
    help: "Audit every request with the usual settings, to the workload's log",
    schema: Switch,
  },
  'webhook-config': {
    kind: 'stringArray',
    help: 'Path to a file with webhooks that are asked before a call goes on (JSON or YAML, may be repeated)',
    schema: Texts,
  },
  'allowed-origins': {
    kind: 'stringArray',
    help: 'Origins that web pages may call the proxy from, exactly as browsers send them (default: the proxy itself, on a loopback host)',
    schema: Texts,
  },
  'trust-proxy-headers': {
    kind: 'bool',
    help: 'Trust X-Forwarded-* headers of a reverse proxy in front (Proto, Host, Port, Prefix)',
    schema: Switch,
  },
  'strict-protocol-validation': {
    kind: 'bool',
    help: 'Refuse requests with an unknown MCP-Protocol-Version header (streamable HTTP proxy)',
    schema: Switch,
  },
  stateless: {
    kind: 'bool',
    help: 'The server is stateless: only POST is passed on (SSE or Streamable HTTP transport)',
    schema: Switch,
  },
  'session-ttl': {
    kind: 'duration',
    help: 'Time without a request after which a session ends (0 = 2h)',
    schema: SessionTtl,
  },
  'endpoint-prefix': {
    kind: 'string',
    help: 'Path prefix of SSE endpoint URLs, for a reverse proxy in front that strips it',
    schema: EndpointPrefix,
  },
  'remote-forward-headers': {
    kind: 'stringArray',
    help: 'Header to add to every request to a remote server (format: Name=Value, may be repeated)',
    schema: Headers,
  },
  'remote-forward-headers-secret': {
    kind: 'stringArray',
    help: 'Header to add to every request to a remote server, with the value of a secret (format: Name=SECRET, may be repeated)',
    schema: HeaderSecrets,
  },
  ...oidcFlags,
  ...tokenExchangeFlags,
  'resource-url': {
    kind: 'string',
    help: 'URL of this server as its clients know it, for the protected resource metadata (RFC 9728)',
    schema: ResourceUrl,
  },
  'require-token': {
    kind: 'bool',
    help: "Let in only those who bring an access token of 'thv token create' (or one of the OIDC provider, if there is one)",
    schema: Switch,
  },
  'forward-authorization': {
    kind: 'bool',
    help: "Send clients' OIDC tokens on to a remote server, which may then use them",
    schema: Switch,
  },
  'image-verification': {
    kind: 'string',
    help: 'Verify who signed the image (warn, enabled or disabled)',
    schema: v.optional(
      v.picklist(
        VERIFICATION_MODES,
        ({ input }) => `invalid value for --image-verification: ${String(input)}`,
      ),
      'warn',
    ),
  },
  'ca-cert': {
    kind: 'string',
    help: 'Path to a custom CA certificate file to use for container builds',
    schema: Text,
  },
  'runtime-image': {
    kind: 'string',
    help: 'Base image to build packages on (uvx://, npx://, go://)',
    schema: Text,
  },
  'runtime-add-package': {
    kind: 'stringArray',
    help: 'Additional system package for the image of a package (may be repeated)',
    schema: Texts,
  },
  'build-with': {
    kind: 'stringArray',
    help: 'Additional Python requirement for a uvx:// package (may be repeated)',
    schema: Texts,
  },
  runtime: {
    kind: 'string',
    help: 'What to run the server on: auto, docker, podman, or process for a package without a container engine',
    schema: v.optional(
      v.pipe(
        v.string(),
        v.picklist(['', ...RUNTIMES], ({ input }) => unknownRuntime(String(input))),
      ),
      '',
    ),
  },
  'allow-install-scripts': {
    kind: 'bool',
    help: 'Let a package and its dependencies run programs while they are installed (runtime process)',
    schema: Switch,
  },
  'js-runtime': {
    kind: 'string',
    help: "What runs an npm package: node (this machine's Node.js), bun (built in), or auto (runtime process)",
    schema: v.optional(
      v.picklist(
        ['', ...JS_RUNTIME_CHOICES],
        ({ input }) => `invalid value for --js-runtime: ${String(input)} (must be auto, node or bun)`,
      ),
      '',
    ),
  },
  'no-sandbox': {
    kind: 'bool',
    help: 'Run a package with all of your rights, not confined by its permission profile (runtime process)',
    schema: Switch,
  },
  'from-config': { kind: 'string', help: 'Load configuration from exported file', schema: Text },
  foreground: {
    kind: 'bool',
    shorthand: 'f',
    help: 'Run in foreground mode (block until container exits)',
    schema: Switch,
  },
  ...waitFlags,
} as const;

export type RunFlag = keyof typeof runFlags;
