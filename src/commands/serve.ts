import * as v from 'valibot';
import { buildInfo, createCommand, endAtHangUp, endAtNextSignal, reportError } from '../cli/index.ts';

const Text = v.optional(v.string(), '');
const Switch = v.optional(v.boolean(), false);

export const serve = createCommand({
  usage: '[flags]',
  long: `Start the API server: a RESTful interface for managing MCP servers from other programs.

By default it listens on 127.0.0.1 without authentication, so any process on this machine can call it. When it is bound
to an address that others can reach, enable OIDC, so that every request needs a valid token.`,
  examples: `
  thv serve
  thv serve --port 9090 --openapi
  thv serve --socket /tmp/toolhive.sock
  thv serve --host 0.0.0.0 --oidc-issuer https://idp.example.com --oidc-audience toolhive-api`,
  flags: {
    host: {
      kind: 'string',
      help: 'Host address to bind the server to',
      schema: v.optional(v.string(), '127.0.0.1'),
    },
    port: {
      kind: 'int',
      help: 'Port to bind the server to (0 = any free port)',
      schema: v.optional(
        v.pipe(
          v.number(),
          v.check(
            (port) => port >= 0 && port <= 65_535,
            ({ input }) => `invalid value for --port: ${input} (must be between 0 and 65535)`,
          ),
        ),
        8080,
      ),
    },
    socket: {
      kind: 'string',
      help: 'UNIX socket path, or Windows named pipe (\\\\.\\pipe\\NAME), to bind to instead of host and port',
      schema: Text,
    },
    'socket-mode': {
      kind: 'string',
      help: 'Permissions of the UNIX socket: 0600 lets only you connect, 0660 your group as well',
      schema: v.optional(
        v.pipe(
          v.string(),
          v.picklist(
            ['0600', '600', '0660', '660'],
            ({ input }) =>
              `invalid value for --socket-mode: ${input} (0600 lets only you connect, 0660 your group as well)`,
          ),
          v.transform((mode) => (mode.endsWith('660') ? 0o660 : 0o600)),
        ),
        '0600',
      ),
    },
    openapi: {
      kind: 'bool',
      help: 'Serve the OpenAPI document at /api/openapi.json and its page at /api/doc',
      schema: Switch,
    },
    'oidc-issuer': {
      kind: 'string',
      help: 'OIDC issuer URL (e.g., https://accounts.google.com)',
      schema: Text,
    },
    'oidc-audience': { kind: 'string', help: 'Expected audience for the token', schema: Text },
    'oidc-jwks-url': { kind: 'string', help: 'URL to fetch the JWKS from', schema: Text },
    'oidc-introspection-url': {
      kind: 'string',
      help: 'URL of the token introspection endpoint, for opaque tokens',
      schema: Text,
    },
    'oidc-client-id': { kind: 'string', help: 'OIDC client ID, for introspection', schema: Text },
    'oidc-client-secret': {
      kind: 'string',
      help: 'OIDC client secret, for introspection (better: TOOLHIVE_OIDC_CLIENT_SECRET, which no process list shows)',
      schema: Text,
    },
    'oidc-scopes': {
      kind: 'strings',
      help: 'OAuth scopes to advertise in the protected resource metadata (default: openid)',
      schema: v.optional(v.array(v.string()), []),
    },
    'thv-ca-bundle': {
      kind: 'string',
      help: 'PEM file with the certificate authorities to trust for OIDC, instead of the system ones',
      schema: Text,
    },
    'jwks-auth-token-file': {
      kind: 'string',
      help: 'File with a bearer token to send to the OIDC provider',
      schema: Text,
    },
    'jwks-allow-private-ip': {
      kind: 'bool',
      help: 'Allow OIDC endpoints on private IP addresses',
      schema: Switch,
    },
    'oidc-insecure-allow-http': {
      kind: 'bool',
      help: 'Allow OIDC endpoints over plain HTTP (for development)',
      schema: Switch,
    },
  },
  positionals: 'none',
  async run({ options, debug, env, signal, terminal, openWorkloads, openLog, findPaths }) {
    const { serveApi } = await import('../api/index.ts');
    endAtHangUp(process);
    signal.addEventListener('abort', () => endAtNextSignal(process), { once: true });
    try {
      await serveApi({
        host: options.host,
        port: options.port,
        socket: options.socket,
        socketMode: options.socketMode,
        openapi: options.openapi,
        oidc: {
          issuer: options.oidcIssuer,
          audience: options.oidcAudience,
          jwksUrl: options.oidcJwksUrl,
          introspectionUrl: options.oidcIntrospectionUrl,
          clientId: options.oidcClientId,
          clientSecret: options.oidcClientSecret || (env['TOOLHIVE_OIDC_CLIENT_SECRET'] ?? ''),
          scopes: options.oidcScopes,
          caBundle: options.thvCaBundle,
          authTokenFile: options.jwksAuthTokenFile,
          allowPrivateAddresses: options.jwksAllowPrivateIp,
          allowHttp: options.oidcInsecureAllowHttp,
        },
        debug,
        version: buildInfo().version.replace(/^(?=\d)/, 'v'),
        platform: buildInfo().platform,
        env,
        paths: await findPaths(),
        workloads: await openWorkloads(),
        logger: await openLog(),
        signal,
      });
      return 0;
    } catch (error) {
      // A signal is how a server ends; what fails then is a failure like any other (spec 10 §5).
      if (signal.aborted)
        return await reportError(error, {
          command: 'thv serve',
          env,
          terminal,
          debug,
          interruptedCode: undefined,
        });
      throw error;
    }
  },
});
