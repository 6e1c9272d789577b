import { isDeepStrictEqual } from 'node:util';
import type { Entry } from '../types.ts';
import { NotImportable } from './not-importable.ts';

/** Keys with which Codex, Gemini CLI, Kimi Code, Goose and Copilot list the only tools to offer. */
const TOOL_LISTS = ['enabled_tools', 'includeTools', 'enabledTools', 'available_tools', 'tools'];

/** Keys that are read, wherever a client has them. */
const READ = new Set([
  ...['command', 'cmd', 'args', 'path', 'env', 'envs', 'environment', 'env_vars', 'env_keys', 'envFile'],
  ...['url', 'httpUrl', 'serverUrl', 'uri', 'type', 'transport', 'transportType', 'name'],
  ...['headers', 'http_headers', 'env_http_headers', 'bearer_token_env_var', 'bearerTokenEnvVar'],
  ...['requestOptions', 'requestInit', ...TOOL_LISTS],
]);

/** Keys for people, and for the client's own books. */
const HARMLESS = new Set([
  ...['$schema', 'id', 'title', 'description', 'display_name', 'displayName', 'icon', 'iconUrl', 'gallery'],
  ...['version', 'bundled', 'metadata', 'source', 'note', 'comment'],
]);

/** Keys that would make another server of it, with what there is instead. */
const REFUSED: Readonly<Record<string, string>> = {
  cwd: 'a workload has no folder of this machine to run in',
  working_directory: 'a workload has no folder of this machine to run in',
  excludeTools: "name those it is to have with 'thv run --tools'",
  disabled_tools: "name those it is to have with 'thv run --tools'",
  disabledTools: "name those it is to have with 'thv run --tools'",
  ...Object.fromEntries(
    ['oauth', 'oauthClient', 'auth', 'authProviderType', 'headersHelper', 'scopes', 'clientId', 'tls'].map(
      (key) => [key, "use 'thv run URL' with the options for remote authentication"],
    ),
  ),
  proxy: 'a workload goes out as this machine does',
  verifySsl: 'certificates are always verified',
  caBundlePath: "use 'thv run URL' with the options for remote authentication",
  clientCertificate: "use 'thv run URL' with the options for remote authentication",
  shell: 'no shell takes part',
  useShellInterpolation: 'no shell takes part',
};

/**
 * Names of keys that stay behind: what the client keeps for itself, such as `timeout` or `alwaysAllow`, and what we do not
 * know. Throws `NotImportable` for an entry that is switched off, and for keys without which it is another server.
 */
export function keysLeft(entry: Entry): readonly string[] {
  if (entry['disabled'] === true || entry['enabled'] === false)
    throw new NotImportable('it is switched off in the settings');
  const left: string[] = [];
  for (const [key, value] of Object.entries(entry)) {
    if (READ.has(key) || HARMLESS.has(key) || key === 'enabled' || key === 'disabled') continue;
    if (saysNothing(key, value)) continue;
    const instead = Object.hasOwn(REFUSED, key) ? REFUSED[key] : undefined;
    if (instead !== undefined)
      throw new NotImportable(`it has '${key}', which has no counterpart: ${instead}`);
    left.push(key);
  }
  return left;
}

function saysNothing(key: string, value: unknown): boolean {
  if (key === 'verifySsl') return value === true;
  return [undefined, null, '', false, [], {}].some((empty) => isDeepStrictEqual(value, empty));
}

/** Tools that alone are wanted; empty for all. Gemini's may say more than a name, which cannot be kept. */
export function wantedTools(entry: Entry): readonly string[] {
  for (const key of TOOL_LISTS) {
    const tools = entry[key];
    if (!Array.isArray(tools) || tools.length === 0 || tools.includes('*')) continue;
    const odd = tools.find((tool) => typeof tool !== 'string' || !/^[\w./-]+$/.test(tool));
    if (odd !== undefined)
      throw new NotImportable(`its ${key} has ${JSON.stringify(odd)}, which is no tool's name`);
    return tools;
  }
  return [];
}
