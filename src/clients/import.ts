import { sanitizeWorkloadName } from '../records/index.ts';
import { type DockerRun, parseDockerRun } from './docker-run.ts';
import type { Entry } from './types.ts';

/** A server of a client's settings as a workload: what `thv run` would be told. */
export interface ImportedServer extends DockerRun {
  /** Name of the workload. */
  readonly name: string;
  /** `npx://…`, `uvx://…`, `go://…`, an image, or a URL. */
  readonly source: string;
  readonly serverArguments: readonly string[];
  readonly transport: 'stdio' | 'sse' | 'streamable-http' | undefined;
  /** Which variables look like secrets, by their names or by their values. */
  readonly secretVariables: readonly string[];
}

/** What can be made of one entry; `reason` says why nothing can. */
export type ImportPlan =
  | { readonly entry: string; readonly server: ImportedServer }
  | { readonly entry: string; readonly reason: string };

type Variables = Readonly<Record<string, string | undefined>>;

/** An entry that no workload can be made of; the message is for the person. */
class NotImportable extends Error {}

/** `env` fills variables that an entry passes on by name only. Never throws. */
export function planImport(entries: ReadonlyMap<string, Entry>, env: Variables): readonly ImportPlan[] {
  return [...entries].map(([entry, settings]) => {
    try {
      const found = serverOf(settings, env);
      const secretVariables = Object.entries(found.environment)
        .filter(([name, value]) => looksSecret(name, value))
        .map(([name]) => name);
      return { entry, server: { ...found, name: sanitizeWorkloadName(entry), secretVariables } };
    } catch (error) {
      if (error instanceof NotImportable) return { entry, reason: error.message };
      throw error;
    }
  });
}

type Found = Omit<ImportedServer, 'name' | 'secretVariables'>;

const NOTHING: DockerRun = { environment: {}, volumes: [], publish: [], networkMode: '' };

function serverOf(entry: Entry, env: Variables): Found {
  const url = ['url', 'httpUrl', 'serverUrl', 'uri'].map((key) => entry[key]).find(isText);
  if (url !== undefined) return remoteServer(entry, url);
  const [program = '', ...args] = commandOf(entry);
  if (program === '') throw new NotImportable('it has neither a command nor a URL');
  const environment = environmentOf(entry);
  const found = fromCommand(withoutShell([program, ...args]), { ...env, ...environment });
  // What a container run passes on wins over what its client is given.
  const isContainer = found.source !== '' && !/^(?:npx|uvx|go):\/\//.test(found.source);
  return isContainer ? found : { ...found, environment };
}

function remoteServer(entry: Entry, url: string): Found {
  if (!/^https?:\/\//.test(url) || !URL.canParse(url)) throw new NotImportable('its URL is not an HTTP URL');
  refusePlaceholder('URL', url);
  const headers = [entry['headers'], entry['http_headers'], entry['requestInit']].find(isRecord);
  if (headers !== undefined && Object.keys(headers).length > 0)
    throw new NotImportable(
      "it sends headers of its own; use 'thv run URL' with the options for remote authentication",
    );
  const isSse =
    entry['type'] === 'sse' || (isText(entry['url']) && 'httpUrl' in entry === false && /\/sse$/.test(url));
  return {
    ...NOTHING,
    source: url,
    serverArguments: [],
    transport: isSse ? 'sse' : 'streamable-http',
  };
}

/** A program with its arguments, in any of the shapes that clients use. */
function commandOf(entry: Entry): readonly string[] {
  const command = entry['command'] ?? entry['cmd'];
  const args = entry['args'] ?? [];
  if (Array.isArray(command)) return command.map(String);
  if (isRecord(command)) return commandOf({ command: command['path'], args: command['args'] });
  return [isText(command) ? command : '', ...(Array.isArray(args) ? args.map(String) : [])];
}

function environmentOf(entry: Entry): Readonly<Record<string, string>> {
  const command = entry['command'];
  const given = [
    entry['env'],
    entry['envs'],
    entry['environment'],
    isRecord(command) ? command['env'] : undefined,
  ].find(isRecord);
  const variables = Object.entries(given ?? {}).map(([name, value]) => [name, String(value)] as const);
  for (const [name, value] of variables) refusePlaceholder(`variable ${name}`, value);
  return Object.fromEntries(variables);
}

/** `cmd /c npx …`, as settings for Windows have it. */
function withoutShell(words: readonly string[]): readonly string[] {
  return /^cmd(?:\.exe)?$/i.test(words[0] ?? '') && /^\/c$/i.test(words[1] ?? '') ? words.slice(2) : words;
}

function fromCommand([program = '', ...args]: readonly string[], env: Variables): Found {
  for (const argument of args) refusePlaceholder('command line', argument);
  switch (programName(program)) {
    case 'npx':
    case 'bunx':
      return fromPackage('npx', program, args, ['-y', '--yes', '-q', '--quiet', '--bun']);
    case 'uvx':
      return fromPackage('uvx', program, args, ['-q', '--quiet', '--refresh']);
    case 'uv':
      if (args[0] === 'tool' && args[1] === 'run')
        return fromPackage('uvx', 'uv tool run', args.slice(2), []);
      break;
    case 'pipx':
      if (args[0] === 'run') return fromPackage('uvx', 'pipx run', args.slice(1), ['--quiet', '-q']);
      break;
    case 'go':
      if (args[0] === 'run') return fromPackage('go', 'go run', args.slice(1), []);
      break;
    case 'docker':
    case 'podman':
      return fromDocker(program, args, env);
    default:
  }
  throw new NotImportable(
    `'${programName(program)}' runs a program of this machine; only packages (npx, uvx, go run), images (docker run) and URLs become workloads`,
  );
}

function fromPackage(
  scheme: 'npx' | 'uvx' | 'go',
  program: string,
  args: readonly string[],
  harmless: readonly string[],
): Found {
  const at = args.findIndex((argument) => !harmless.includes(argument) && argument !== '--');
  const name = args[at];
  if (name === undefined) throw new NotImportable(`no package is named behind ${program}`);
  if (name.startsWith('-'))
    throw new NotImportable(`${program} is called with ${name}, which has no counterpart`);
  const rest = args.slice(at + 1);
  return {
    ...NOTHING,
    source: `${scheme}://${name}`,
    serverArguments: rest[0] === '--' ? rest.slice(1) : rest,
    transport: 'stdio',
  };
}

function fromDocker(program: string, [verb, ...args]: readonly string[], env: Variables): Found {
  const rest = verb === 'container' ? args.slice(1) : args;
  if (verb !== 'run' && !(verb === 'container' && args[0] === 'run'))
    throw new NotImportable(`'${program} ${verb ?? ''}' runs no image of its own`);
  const parsed = parseDockerRun(rest, env);
  if ('problem' in parsed) throw new NotImportable(parsed.problem);
  const { image, serverArguments, ...run } = parsed;
  return { ...run, source: image, serverArguments, transport: 'stdio' };
}

function programName(program: string): string {
  return program.replace(/^.*[/\\]/, '').replace(/\.(?:exe|cmd)$/i, '');
}

/** Only the client can fill these in; and a value that stands for itself must not be taken for one. */
function refusePlaceholder(where: string, text: string): void {
  const placeholder = /\$\{[^}]*\}/.exec(text)?.[0];
  if (placeholder !== undefined)
    throw new NotImportable(`its ${where} holds ${placeholder}, which only the client can fill in`);
}

function looksSecret(name: string, value: string): boolean {
  if (value === '') return false;
  return (
    /TOKEN|SECRET|KEY|PASSWORD|PASSWD|CREDENTIAL|(?:^|_)(?:PAT|PWD|DSN|AUTH)(?:_|$)/i.test(name) ||
    /^(?:ghp_|gho_|github_pat_|glpat-|sk-|xox[abp]-|AKIA|eyJ)|:\/\/[^/@\s]+:[^/@\s]+@/.test(value)
  );
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
