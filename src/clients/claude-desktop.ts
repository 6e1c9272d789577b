import { selfCommand } from '../platform/index.ts';
import type { Client } from './types.ts';

/**
 * By these this program finds its folders and the engine. A desktop application need not have them in its environment, and MCP
 * clients pass only a few variables of their own on to the servers they start.
 */
const LOOKED_UP_BY = [
  ...['XDG_CONFIG_HOME', 'XDG_DATA_HOME', 'XDG_STATE_HOME', 'XDG_RUNTIME_DIR'],
  ...['TOOLHIVE_DOCKER_SOCKET', 'TOOLHIVE_PODMAN_SOCKET', 'TOOLHIVE_COLIMA_SOCKET', 'TOOLHIVE_RUNTIME'],
  ...['DOCKER_HOST', 'DOCKER_CONTEXT', 'DOCKER_CONFIG'],
] as const;

/**
 * The settings file of Claude Desktop knows no URLs: connectors with a URL belong to the account. It starts programs and
 * talks to their stdin and stdout, so it gets `thv proxy stdio NAME`.
 */
export const claudeDesktop: Client = {
  id: 'claude-desktop',
  displayName: 'Claude Desktop application',
  settingsFile: ({ settings }) => settings('Claude', 'claude_desktop_config.json'),
  format: 'json',
  section: 'mcpServers',
  speaks: ['streamable-http', 'sse'],
  entry({ name: workload }, { env }) {
    const [command = '', ...words] = selfCommand();
    const variables = LOOKED_UP_BY.flatMap((name) => {
      const value = env[name];
      return value === undefined || value === '' ? [] : [[name, value] as const];
    });
    return {
      command,
      args: [...words, ...argumentsFor(workload)],
      ...(variables.length > 0 ? { env: Object.fromEntries(variables) } : {}),
    };
  },
  urlKeys: [],
  startsOurs({ args }, name) {
    const wanted = argumentsFor(name);
    return Array.isArray(args) && wanted.every((word, index) => args.at(index - wanted.length) === word);
  },
  installedWhen: 'folder',
  supportsSkills: false,
  supportsPlugins: false,
};

function argumentsFor(name: string): readonly string[] {
  return ['proxy', 'stdio', name];
}
