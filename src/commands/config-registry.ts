import { access, constants } from 'node:fs/promises';
import { buildInfo, createCommand, formatFlag, type Invocation, printJson } from '../cli/index.ts';
import { messageOf } from '../errors/index.ts';
import { createRegistry, setLogin, setSource, unsetLogin, unsetSource } from '../registry/index.ts';
import { loginFlags, privateAddressFlag } from './registry-login.ts';

const CAUTION = `Caution: allowing registry URLs containing private IP addresses may decrease your security.
Make sure that you trust any registries that you configure with ToolHive.
`;
const KINDS = { api: 'API endpoint', url: 'remote file', file: 'local file' };

export const setRegistry = createCommand({
  usage: 'URL_OR_PATH [flags]',
  long: `Set the registry that servers are run from by name.

A URL ending in .json and a path are files in the upstream MCP format, any other URL is asked whether it is a registry API.
The registry is tried before anything is changed.`,
  examples: `
  thv config set-registry https://registry.example.com
  thv config set-registry https://example.com/registry.json
  thv config set-registry ./registry.json`,
  flags: { 'allow-private-ip': privateAddressFlag, ...loginFlags },
  positionals: { exactly: 1 },
  pathWord: 0,
  together: [['issuer', 'client-id']],
  async run(invocation) {
    const { options, words, env, findPaths, signal, terminal } = invocation;
    const { allowPrivateIp, issuer, clientId, audience, scopes } = options;
    await setSource(
      {
        location: words[0] ?? '',
        allowPrivateAddress: allowPrivateIp,
        login: issuer === '' ? undefined : { issuer, clientId, audience, scopes },
      },
      { paths: await findPaths(), env, version: buildInfo().version, signal },
    );
    if (allowPrivateIp) terminal.out(CAUTION);
  },
});

export const getRegistry = createCommand({
  usage: '[flags]',
  long: 'Show the registry that servers are run from by name.',
  flags: { format: formatFlag(['json', 'text'], 'text') },
  positionals: 'none',
  async run({ options, env, findPaths, openLog, terminal }) {
    const registry = createRegistry({ paths: await findPaths(), env, logger: await openLog() });
    const { kind, location } = await registry.source();
    if (options.format === 'json') return printJson(terminal, { type: kind, source: location || null });
    if (kind === 'default') {
      return void terminal.out('No custom registry is currently configured. Using built-in registry.\n');
    }
    terminal.out(`Current registry: ${location} (${KINDS[kind]})\n`);
    if (kind !== 'file') return;
    await access(location, constants.R_OK).catch((error: unknown) =>
      terminal.out(`Warning: The configured local registry file is not accessible: ${messageOf(error)}\n`),
    );
  },
});

export const unsetRegistry = createCommand({
  usage: '[flags]',
  long: 'Go back to the built-in registry, and forget the login of the other one.',
  flags: {},
  positionals: 'none',
  async run({ findPaths }) {
    await unsetSource({ paths: await findPaths() });
  },
});

export const setRegistryAuth = createCommand({
  usage: '[flags]',
  long: "Set up a login for the registry in use. Deprecated: 'thv config set-registry' takes --issuer and --client-id.",
  flags: {
    ...loginFlags,
    issuer: { ...loginFlags.issuer, required: true },
    'client-id': { ...loginFlags['client-id'], required: true },
  },
  positionals: 'none',
  async run(invocation) {
    const { options, findPaths, signal } = invocation;
    sayDeprecated(
      invocation,
      'set-registry-auth',
      "use 'thv config set-registry' with --issuer and --client-id",
    );
    const { issuer, clientId, audience, scopes } = options;
    await setLogin({ issuer, clientId, audience, scopes }, { paths: await findPaths(), signal });
  },
});

export const unsetRegistryAuth = createCommand({
  usage: '[flags]',
  long: "Forget the login of the registry in use. Deprecated: see 'thv registry logout' and 'thv config unset-registry'.",
  flags: {},
  positionals: 'none',
  async run(invocation) {
    sayDeprecated(
      invocation,
      'unset-registry-auth',
      "use 'thv registry logout' or 'thv config unset-registry'",
    );
    await unsetLogin({ paths: await invocation.findPaths() });
  },
});

function sayDeprecated({ terminal }: Pick<Invocation, 'terminal'>, command: string, advice: string): void {
  terminal.err(`Command "${command}" is deprecated, ${advice}\n`);
}
