import * as v from 'valibot';
import { buildInfo, createCommand, endAtHangUp, endAtNextSignal, reportError } from '../cli/index.ts';
import { oidcFlags, oidcSettings } from './oidc-flags.ts';

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
      schema: v.optional(v.string(), ''),
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
      schema: v.optional(v.boolean(), false),
    },
    ...oidcFlags,
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
        oidc: oidcSettings(options, env),
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
