import { createGroup, lazily } from '../cli/index.ts';

export const authz = createGroup(
  `Check policies and try them out.

Policies say who may use which tools, prompts and resources of a server. They stand in the file
that 'thv run --authz-config' is given.`,
  {
    validate: lazily(
      { description: 'Find what is wrong with a file of policies' },
      async () => (await import('./authz-validate.ts')).authzValidate,
    ),
    test: lazily(
      { description: 'Decide one request by a file of policies' },
      async () => (await import('./authz-test.ts')).authzTest,
    ),
    explain: lazily(
      { description: 'Show who may call which tool of a running server' },
      async () => (await import('./authz-explain.ts')).authzExplain,
    ),
  },
);
