import { join } from 'node:path';
import { plainValues, type Values } from './entry.ts';
import { NotImportable } from './not-importable.ts';
import { fill, fillPlain, looksSecret, readVariables, type Surroundings, variableIn } from './values.ts';

/** What a `docker run` command line says that a workload can have too. */
export interface DockerRun {
  readonly environment: Values;
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
/** What may stand behind a volume: writing is allowed unless told otherwise, and how it is cached makes no difference. */
const VOLUME_OPTIONS = new Set(['rw', 'cached', 'delegated', 'consistent']);

/**
 * Reads the words behind `docker run`. `given` is what the client sets; it and the surroundings fill `-e NAME` without a
 * value. An option that a workload has no counterpart for is a problem: left out silently, it might have been the one that
 * kept a server in bounds. Throws `NotImportable`.
 */
export function parseDockerRun(words: readonly string[], given: Values, surroundings: Surroundings): Parsed {
  const files: Record<string, Values[string]> = Object.create(null);
  const environment: Record<string, Values[string]> = Object.create(null);
  const volumes: string[] = [];
  const publish: string[] = [];
  let networkMode = '';
  let at = 0;
  const plain = (text: string) => fillPlain('command line', text, surroundings);

  const take = (option: string, value: string): void => {
    switch (option) {
      case 'e':
      case 'env': {
        const [name, variable] = variableOf(value, given, surroundings);
        environment[name] = variable;
        return;
      }
      case 'env-file':
        Object.assign(files, plainValues(readVariables('--env-file', value, surroundings)));
        return;
      case 'v':
      case 'volume':
        volumes.push(volumeOf(plain(value), surroundings.home));
        return;
      case 'mount':
        volumes.push(volumeOf(mountOf(plain(value)), surroundings.home));
        return;
      case 'p':
      case 'publish':
        publish.push(plain(value));
        return;
      case 'network':
      case 'net':
        networkMode = plain(value);
        return;
      default:
        if (!HARMLESS_WITH_VALUE.has(option))
          throw new NotImportable(`docker run is called with ${dashed(option)}, which has no counterpart`);
    }
  };

  for (; at < words.length; at++) {
    const word = words[at] ?? '';
    if (!word.startsWith('-') || word === '-') break;
    const { option, value } = splitOption(word);
    if (HARMLESS.has(option) || isHarmlessCluster(word)) continue;
    take(option, value ?? words[++at] ?? '');
  }
  const image = words[at];
  if (image === undefined || image === '') throw new NotImportable('docker run names no image');
  return {
    image: plain(image),
    serverArguments: words.slice(at + 1).map(plain),
    environment: { ...files, ...environment },
    volumes,
    publish,
    networkMode,
  };
}

function variableOf(
  text: string,
  given: Values,
  surroundings: Surroundings,
): readonly [name: string, value: Values[string]] {
  const equals = text.indexOf('=');
  const name = equals === -1 ? text : text.slice(0, equals);
  if (equals !== -1) {
    const { text: value, secret } = fill(`variable ${name}`, text.slice(equals + 1), surroundings);
    return [name, { text: value, secret: secret || looksSecret(name, value) }];
  }
  const own = variableIn(surroundings.env, name);
  const value =
    (Object.hasOwn(given, name) ? given[name] : undefined) ??
    (own === undefined ? undefined : { text: own, secret: looksSecret(name, own) });
  if (value === undefined) throw new NotImportable(`it passes on the variable ${name}, which is not set`);
  return [name, value];
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

/** `host:container[:ro]` or `volume://name:container[:ro]`. */
function volumeOf(volume: string, home: string): string {
  const [, source = '', target, options = ''] =
    /^((?:[A-Za-z]:[\\/])?[^:]*):([^:]*)(?::(.*))?$/s.exec(volume) ?? [];
  if (target === undefined) throw new NotImportable(`its volume '${volume}' has no folder of this machine`);
  const words = options.split(',').filter((word) => word !== '' && !VOLUME_OPTIONS.has(word));
  const odd = words.find((word) => word !== 'ro');
  if (odd !== undefined)
    throw new NotImportable(`its volume '${volume}' has the option '${odd}', which has no counterpart`);
  const path = /^~(?=[/\\]|$)/.test(source) ? join(home, source.slice(1)) : source;
  if (/^\.{1,2}(?:[/\\]|$)/.test(path))
    throw new NotImportable(`its volume '${volume}' is relative to a folder that only the client knows`);
  const isPath = /^(?:[/\\]|[A-Za-z]:[\\/])/.test(path);
  if (!isPath && !/^[A-Za-z0-9][\w.-]+$/.test(path))
    throw new NotImportable(`its volume '${volume}' is neither a folder nor a volume of the engine`);
  // With its scheme: a folder of that name where the command runs is not meant.
  return `${isPath ? path : `volume://${path}`}:${target}${words.includes('ro') ? ':ro' : ''}`;
}

/** A bind mount or named volume in the long form as `host:container[:ro]`. */
function mountOf(mount: string): string {
  const fields = new Map(
    mount.split(',').map((field) => [field.split('=')[0] ?? '', field.split('=').slice(1).join('=')]),
  );
  const source = fields.get('source') ?? fields.get('src');
  const target = fields.get('target') ?? fields.get('destination') ?? fields.get('dst');
  const isKnown = ['bind', 'volume', undefined].includes(fields.get('type'));
  if (!isKnown || !source || !target) throw new NotImportable(`the mount '${mount}' has no counterpart`);
  const isReadOnly = ['readonly', 'ro'].some((field) => fields.has(field) && fields.get(field) !== 'false');
  return `${source}:${target}${isReadOnly ? ':ro' : ''}`;
}

function dashed(option: string): string {
  return option.length === 1 ? `-${option}` : `--${option}`;
}
