import { createGroup, lazily } from '../cli/index.ts';

export const token = createGroup(
  `Manage access tokens, which let clients call workloads that were started with --require-token.

They need no identity provider. Only their hashes are kept, so a token that is lost cannot be shown again.`,
  {
    create: lazily(
      { description: 'Make an access token and print it, this once' },
      async () => (await import('./token-create.ts')).tokenCreate,
    ),
    list: lazily(
      { description: 'List access tokens', alias: ['ls'] },
      async () => (await import('./token-list.ts')).tokenList,
    ),
    revoke: lazily(
      { description: 'Take an access token back', alias: ['rm'] },
      async () => (await import('./token-revoke.ts')).tokenRevoke,
    ),
  },
);
