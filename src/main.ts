import {
  buildInfo,
  createGroup,
  lazily,
  openTerminal,
  runCommandLine,
  watchFaults,
  watchSignals,
} from './cli/index.ts';
import { becomeRuntimeIfCalledSo } from './platform/index.ts';

becomeRuntimeIfCalledSo();

/** The command tree: what a listing shows of each command, and where the rest of it is imported from when it is run. */
const root = createGroup(
  `ToolHive (thv) is a lightweight, secure, and fast manager for MCP (Model Context Protocol) servers.

It runs each server in a container of its own, behind an HTTP proxy whose URL stays the same,
and serves both MCP transports (SSE and streamable HTTP) from it.`,
  {
    run: lazily({ description: 'Run an MCP server' }, async () => (await import('./commands/run.ts')).run),
    build: lazily(
      { description: 'Build a container image for an MCP server without running it' },
      async () => (await import('./commands/build.ts')).build,
    ),
    list: lazily(
      { description: 'List running MCP servers', alias: ['ls'] },
      async () => (await import('./commands/list.ts')).list,
    ),
    status: lazily(
      { description: 'Show the state of an MCP server' },
      async () => (await import('./commands/status.ts')).status,
    ),
    stop: lazily({ description: 'Stop MCP servers' }, async () => (await import('./commands/stop.ts')).stop),
    start: lazily(
      { description: 'Start MCP servers that were stopped', alias: ['restart'] },
      async () => (await import('./commands/start.ts')).start,
    ),
    rm: lazily({ description: 'Remove MCP servers' }, async () => (await import('./commands/rm.ts')).rm),
    lock: lazily(
      { description: 'Record the tools of an MCP server as approved, and show what changes' },
      async () => (await import('./commands/lock.ts')).lock,
    ),
    authz: lazily(
      { description: 'Check policies and try them out' },
      async () => (await import('./commands/authz.ts')).authz,
    ),
    logs: lazily(
      { description: 'Show the logs of an MCP server, or delete old log files' },
      async () => (await import('./commands/logs.ts')).logs,
    ),
    export: lazily(
      { description: 'Write the run configuration of an MCP server to a file' },
      async () => (await import('./commands/export.ts')).exportCommand,
    ),
    group: lazily(
      { description: 'Manage groups of MCP servers' },
      async () => (await import('./commands/group.ts')).group,
    ),
    client: lazily(
      { description: 'Manage MCP clients' },
      async () => (await import('./commands/client.ts')).client,
    ),
    mcp: lazily(
      { description: 'Look into MCP servers and call their tools' },
      async () => (await import('./commands/mcp.ts')).mcp,
    ),
    inspector: lazily(
      { description: 'Open the MCP Inspector for an MCP server' },
      async () => (await import('./commands/inspector.ts')).inspector,
    ),
    proxy: lazily(
      { description: 'Connect clients and servers of different transports' },
      async () => (await import('./commands/proxy.ts')).proxy,
    ),
    serve: lazily(
      { description: 'Start the ToolHive API server' },
      async () => (await import('./commands/serve.ts')).serve,
    ),
    runtime: lazily(
      { description: 'Look after the container runtime' },
      async () => (await import('./commands/runtime.ts')).runtime,
    ),
    registry: lazily(
      { description: 'Look into the registry of MCP servers' },
      async () => (await import('./commands/registry.ts')).registry,
    ),
    search: lazily(
      { description: 'Search the registry for MCP servers' },
      async () => (await import('./commands/search.ts')).search,
    ),
    secret: lazily(
      { description: 'Manage secrets for MCP servers' },
      async () => (await import('./commands/secret.ts')).secret,
    ),
    token: lazily(
      { description: 'Manage access tokens for workloads' },
      async () => (await import('./commands/token.ts')).token,
    ),
    config: lazily(
      { description: 'Manage application configuration' },
      async () => (await import('./commands/config.ts')).config,
    ),
    version: lazily(
      { description: 'Show the version of this program' },
      async () => (await import('./commands/version.ts')).version,
    ),
    completion: lazily(
      { description: 'Print the completion script for a shell' },
      async () => (await import('./commands/completion.ts')).completion,
    ),
    help: lazily(
      { description: 'Help about any command' },
      async () => (await import('./commands/help.ts')).help,
    ),
    host: lazily(
      { description: 'Run the workload host', hidden: true },
      async () => (await import('./commands/host.ts')).host,
    ),
    __sandbox: lazily(
      { description: 'Confine a process', hidden: true },
      async () => (await import('./commands/sandbox.ts')).sandbox,
    ),
    __complete: lazily(
      { description: 'Request shell completion choices', hidden: true },
      async () => (await import('./commands/complete.ts')).complete,
    ),
    __completeNoDesc: lazily(
      { description: 'Request shell completion choices without descriptions', hidden: true },
      async () => (await import('./commands/complete.ts')).completeWithoutDescriptions,
    ),
  },
);

const args = process.argv.slice(2);
const terminal = openTerminal();
watchFaults(process, { root, args, env: process.env, terminal });
const exitCode = await runCommandLine({
  root,
  args,
  env: process.env,
  terminal,
  interruption: watchSignals(process),
  async createWorkloads(deps) {
    const { createWorkloadManager } = await import('./workloads/index.ts');
    const { version, platform, buildDate } = buildInfo();
    return createWorkloadManager({ ...deps, version, platform, builtAt: buildDate });
  },
});
// Connections kept alive for reuse must not hold a finished command back.
process.exit(exitCode);
