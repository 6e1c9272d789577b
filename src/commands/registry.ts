import { createGroup, lazily } from '../cli/index.ts';

const login = () => import('./registry-login.ts');

export const registry = createGroup(
  `Look into the registry that servers are run from by name, log in to it, and convert registry files.

'thv config set-registry' chooses another registry than the built-in one.`,
  {
    list: lazily(
      { description: 'List the servers of the registry', alias: ['ls'] },
      async () => (await import('./registry-list.ts')).registryList,
    ),
    info: lazily(
      { description: 'Show what the registry says of a server' },
      async () => (await import('./registry-info.ts')).registryInfo,
    ),
    convert: lazily(
      { description: 'Convert a registry file from the legacy to the upstream format' },
      async () => (await import('./registry-convert.ts')).registryConvert,
    ),
    login: lazily({ description: 'Log in to the registry' }, async () => (await login()).registryLogin),
    logout: lazily({ description: 'Log out of all registries' }, async () => (await login()).registryLogout),
  },
);
