import { createGroup, lazily } from '../cli/index.ts';

export const client = createGroup(
  `Manage MCP clients: programs such as editors that connect to MCP servers.

A client that is registered for a group has the group's running servers in its settings.`,
  {
    status: lazily(
      { description: 'Show which MCP clients are installed and registered' },
      async () => (await import('./client-status.ts')).clientStatus,
    ),
    setup: lazily(
      { description: 'Choose installed MCP clients to register' },
      async () => (await import('./client-setup.ts')).clientSetup,
    ),
    register: lazily(
      { description: 'Register an MCP client' },
      async () => (await import('./client-register.ts')).clientRegister,
    ),
    remove: lazily(
      { description: 'Remove an MCP client' },
      async () => (await import('./client-remove.ts')).clientRemove,
    ),
    'list-registered': lazily(
      { description: 'List all registered MCP clients' },
      async () => (await import('./client-list-registered.ts')).clientListRegistered,
    ),
    import: lazily(
      { description: "Turn servers of an MCP client's settings into workloads" },
      async () => (await import('./client-import.ts')).clientImport,
    ),
  },
);
