import * as v from 'valibot';
import { buildInfo, createCommand } from '../cli/index.ts';
import { loginToRegistry, logoutFromRegistry } from '../registry/index.ts';
import { secretsOptions } from './secret-store.ts';

const Text = v.optional(v.string(), '');

export const loginFlags = {
  issuer: { kind: 'string', help: 'URL of the OpenID Connect issuer', schema: Text },
  'client-id': { kind: 'string', help: 'OAuth client id of this program at the issuer', schema: Text },
  audience: { kind: 'string', help: 'Audience that tokens are asked for', schema: Text },
  scopes: {
    kind: 'strings',
    help: 'OAuth scopes to ask for',
    schema: v.optional(v.array(v.string()), ['openid', 'offline_access']),
  },
} as const;

export const privateAddressFlag = {
  kind: 'bool',
  shorthand: 'p',
  help: 'Allow a registry on a private IP address, and plain http',
  schema: v.optional(v.boolean(), false),
} as const;

export const registryLogin = createCommand({
  usage: '[flags]',
  long: `Log in to the registry in use, with the browser. What is given here is kept, so the next login needs no flags.

The tokens go into the secrets store; 'thv secret setup' has to be run once before.`,
  examples: `
  thv registry login
  thv registry login --registry https://registry.example.com --issuer https://auth.example.com --client-id my-client`,
  flags: {
    registry: { kind: 'string', help: 'URL of the registry, which then is the one in use', schema: Text },
    ...loginFlags,
    'allow-private-ip': privateAddressFlag,
  },
  positionals: 'none',
  async run(invocation) {
    const { options, given, terminal } = invocation;
    const said = (text: string) => (text === '' ? undefined : text);
    await loginToRegistry(
      {
        registry: said(options.registry),
        allowPrivateAddress: options.allowPrivateIp,
        issuer: said(options.issuer),
        clientId: said(options.clientId),
        audience: said(options.audience),
        scopes: given.has('scopes') ? options.scopes : undefined,
      },
      {
        ...(await secretsOptions(invocation)),
        version: buildInfo().version,
        announce: (line) => void terminal.err(`${line}\n`),
      },
    );
  },
});

export const registryLogout = createCommand({
  usage: '[flags]',
  long: 'Log out: forget the tokens of all registries, and what a registry API said with their help.',
  flags: {},
  positionals: 'none',
  async run(invocation) {
    await logoutFromRegistry(await secretsOptions(invocation));
  },
});
