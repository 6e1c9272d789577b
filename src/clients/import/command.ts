import { type DockerRun, parseDockerRun } from './docker-run.ts';
import type { Values } from './entry.ts';
import { NotImportable } from './not-importable.ts';
import { fillPlain, type Surroundings } from './values.ts';

/** What a command line runs. */
export interface Program extends DockerRun {
  /** `npx://…`, `uvx://…`, `go://…` or an image. */
  readonly source: string;
  readonly serverArguments: readonly string[];
}

/** Throws `NotImportable` for a program that is neither a package nor an image. */
export function programOf(
  words: readonly string[],
  environment: Values,
  surroundings: Surroundings,
): Program {
  const [program = '', ...args] = withoutShell(words);
  const filled = () => args.map((argument) => fillPlain('command line', argument, surroundings));
  const packaged = (scheme: 'npx' | 'uvx' | 'go', name: string, from: number, harmless: readonly string[]) =>
    ({ environment, ...fromPackage(scheme, name, filled().slice(from), harmless) }) satisfies Program;
  switch (programName(program)) {
    case 'npx':
    case 'bunx':
      return packaged('npx', program, 0, ['-y', '--yes', '-q', '--quiet', '--bun']);
    case 'uvx':
      return packaged('uvx', program, 0, ['-q', '--quiet', '--refresh']);
    case 'uv':
      if (args[0] === 'tool' && args[1] === 'run') return packaged('uvx', 'uv tool run', 2, []);
      break;
    case 'pipx':
      if (args[0] === 'run') return packaged('uvx', 'pipx run', 1, ['--quiet', '-q']);
      break;
    case 'go':
      if (args[0] === 'run') return packaged('go', 'go run', 1, []);
      break;
    case 'docker':
    case 'podman':
      return fromDocker(program, args, environment, surroundings);
    default:
  }
  throw new NotImportable(
    `'${programName(program)}' runs a program of this machine; only packages (npx, uvx, go run), images (docker run) and URLs become workloads`,
  );
}

/** `cmd /c npx …`, as settings for Windows have it. */
function withoutShell(words: readonly string[]): readonly string[] {
  return /^cmd(?:\.exe)?$/i.test(words[0] ?? '') && /^\/c$/i.test(words[1] ?? '') ? words.slice(2) : words;
}

function fromPackage(
  scheme: 'npx' | 'uvx' | 'go',
  program: string,
  args: readonly string[],
  harmless: readonly string[],
): Omit<Program, 'environment'> {
  const at = args.findIndex((argument) => !harmless.includes(argument) && argument !== '--');
  const name = args[at];
  if (name === undefined) throw new NotImportable(`no package is named behind ${program}`);
  if (name.startsWith('-'))
    throw new NotImportable(`${program} is called with ${name}, which has no counterpart`);
  const rest = args.slice(at + 1);
  return {
    source: `${scheme}://${name}`,
    serverArguments: rest[0] === '--' ? rest.slice(1) : rest,
    volumes: [],
    publish: [],
    networkMode: '',
  };
}

function fromDocker(
  program: string,
  [verb, ...args]: readonly string[],
  environment: Values,
  surroundings: Surroundings,
): Program {
  const rest = verb === 'container' ? args.slice(1) : args;
  if (verb !== 'run' && !(verb === 'container' && args[0] === 'run'))
    throw new NotImportable(`'${program} ${verb ?? ''}' runs no image of its own`);
  const { image, serverArguments, ...run } = parseDockerRun(rest, environment, surroundings);
  return { ...run, source: image, serverArguments };
}

function programName(program: string): string {
  return program.replace(/^.*[/\\]/, '').replace(/\.(?:exe|cmd)$/i, '');
}
