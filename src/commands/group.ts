import { createGroup, lazily } from '../cli/index.ts';

export const group = createGroup(
  `Manage groups of MCP servers.

Each server belongs to one group, and MCP clients are registered for groups: a client sees the
servers of its groups and no others.`,
  {
    create: lazily(
      { description: 'Create a new group of MCP servers' },
      async () => (await import('./group-create.ts')).groupCreate,
    ),
    list: lazily({ description: 'List all groups' }, async () => (await import('./group-list.ts')).groupList),
    rm: lazily(
      { description: 'Delete a group; its servers move to the default group, or go with it' },
      async () => (await import('./group-rm.ts')).groupRm,
    ),
    run: lazily(
      { description: 'Deploy all MCP servers of a registry group (no longer supported)', hidden: true },
      async () => (await import('./group-run.ts')).groupRun,
    ),
  },
);
