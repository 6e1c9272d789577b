import { createGroup, lazily } from '../cli/index.ts';

export const secret = createGroup(
  `Manage the secrets that MCP servers are given with --secret.

They are kept encrypted on this machine, in 1Password, in environment variables, or wherever a command of
yours finds them.`,
  {
    setup: lazily(
      { description: 'Set up the secrets provider, asking for what is needed' },
      async () => (await import('./secret-setup.ts')).secretSetup,
    ),
    provider: lazily(
      { description: 'Set up a secrets provider by its name' },
      async () => (await import('./secret-provider.ts')).secretProvider,
    ),
    set: lazily(
      { description: 'Set a secret, typed or from stdin' },
      async () => (await import('./secret-set.ts')).secretSet,
    ),
    get: lazily({ description: 'Print a secret' }, async () => (await import('./secret-get.ts')).secretGet),
    delete: lazily(
      { description: 'Delete a secret' },
      async () => (await import('./secret-delete.ts')).secretDelete,
    ),
    list: lazily(
      { description: 'List the names of all secrets' },
      async () => (await import('./secret-list.ts')).secretList,
    ),
    'reset-keyring': lazily(
      { description: 'Forget the password that is kept in the keyring' },
      async () => (await import('./secret-reset-keyring.ts')).secretResetKeyring,
    ),
  },
);
