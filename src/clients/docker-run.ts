/** What a `docker run` command line says that a workload can have too. */
export interface DockerRun {
  readonly environment: Readonly<Record<string, string>>;
  /** `host:container[:ro]` */
  readonly volumes: readonly string[];
  readonly publish: readonly string[];
  /** '' for the default. */
  readonly networkMode: string;
}

interface Parsed extends DockerRun {
  readonly image: string;
  readonly serverArguments: readonly string[];
}

/** Switches that a workload has anyway, or needs not. */
const HARMLESS = new Set([
  ...['i', 't', 'd', 'interactive', 'tty', 'detach', 'rm', 'init', 'quiet', 'q', 'sig-proxy', 'a', 'attach'],
]);
/** The same with a value. */
const HARMLESS_WITH_VALUE = new Set(['name', 'pull', 'label', 'l', 'restart', 'platform', 'log-driver']);

type Variables = Readonly<Record<string, string | undefined>>;

/**
 * Reads the words behind `docker run`. `env` fills `-e NAME` without a value. An option that a workload has no counterpart
 * for is a problem: left out silently, it might have been the one that kept a server in bounds.
 */
export function parseDockerRun(
  words: readonly string[],
  env: Variables,
): Parsed | { readonly problem: string } {
  const environment: Record<string, string> = {};
  const volumes: string[] = [];
  const publish: string[] = [];
  let networkMode = '';
  let at = 0;

  const take = (option: string, value: string): string | undefined => {
    switch (option) {
      case 'e':
      case 'env': {
        const equals = value.indexOf('=');
        const name = equals === -1 ? value : value.slice(0, equals);
        const given = equals === -1 ? env[name] : value.slice(equals + 1);
        if (given === undefined) return `it passes on the variable ${name}, which is not set`;
        environment[name] = given;
        return undefined;
      }
      case 'v':
      case 'volume':
        volumes.push(value);
        return undefined;
      case 'mount': {
        const volume = volumeOf(value);
        if (volume === undefined) return `the mount '${value}' has no counterpart`;
        volumes.push(volume);
        return undefined;
      }
      case 'p':
      case 'publish':
        publish.push(value);
        return undefined;
      case 'network':
      case 'net':
        networkMode = value;
        return undefined;
      default:
        return HARMLESS_WITH_VALUE.has(option)
          ? undefined
          : `docker run is called with ${dashed(option)}, which has no counterpart`;
    }
  };

  for (; at < words.length; at++) {
    const word = words[at] ?? '';
    if (!word.startsWith('-') || word === '-') break;
    const { option, value } = splitOption(word);
    if (HARMLESS.has(option) || isHarmlessCluster(word)) continue;
    const problem = take(option, value ?? words[++at] ?? '');
    if (problem !== undefined) return { problem };
  }
  const image = words[at];
  if (image === undefined || image === '') return { problem: 'docker run names no image' };
  return { image, serverArguments: words.slice(at + 1), environment, volumes, publish, networkMode };
}

/** `--name=value`, `--name value`, `-xvalue`, `-x value`. */
function splitOption(word: string): { readonly option: string; readonly value: string | undefined } {
  if (word.startsWith('--')) {
    const [, option = '', value] = /^--([^=]+)(?:=(.*))?$/s.exec(word) ?? [];
    return { option, value };
  }
  const value = word.slice(2).replace(/^=/, '');
  return { option: word.slice(1, 2), value: value === '' ? undefined : value };
}

/** `-it` and the like. */
function isHarmlessCluster(word: string): boolean {
  return /^-[itd]+$/.test(word);
}

/** A bind mount in the long form as `host:container[:ro]`. */
function volumeOf(mount: string): string | undefined {
  const fields = new Map(
    mount.split(',').map((field) => [field.split('=')[0] ?? '', field.split('=').slice(1).join('=')]),
  );
  const source = fields.get('source') ?? fields.get('src');
  const target = fields.get('target') ?? fields.get('destination') ?? fields.get('dst');
  if (fields.get('type') !== 'bind' || !source || !target) return undefined;
  const isReadOnly = ['readonly', 'ro'].some((field) => fields.has(field) && fields.get(field) !== 'false');
  return `${source}:${target}${isReadOnly ? ':ro' : ''}`;
}

function dashed(option: string): string {
  return option.length === 1 ? `-${option}` : `--${option}`;
}
