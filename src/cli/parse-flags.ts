import { ThvError } from '../errors/index.ts';
import { type Flag, type FlagSet, type FlagValue, flagLabel } from './flag.ts';
import { parseFlagValue } from './flag-value.ts';

export interface ParsedFlags {
  /** Values of the flags that occur, by long name; lists hold all occurrences. A flag in here counts as given. */
  readonly values: ReadonlyMap<string, FlagValue>;
  /** Positional arguments before the first `--`. */
  readonly words: readonly string[];
  /** Everything behind the first `--`; `undefined` when there is none. */
  readonly rest: readonly string[] | undefined;
}

interface Options {
  /** What to do about a flag that does not exist; printed as its hint. */
  readonly unknownFlagHint?: ((flag: string) => string) | undefined;
}

/**
 * Splits an argument list the way pflag does (spec 01 §1.1). Throws `ERR_USAGE` or `ERR_FLAG_INVALID` for the first
 * argument that makes no sense. Sets no defaults: whether a flag was given is a fact of its own.
 */
export function parseFlags(args: readonly string[], flags: FlagSet, options: Options = {}): ParsedFlags {
  const values = new Map<string, FlagValue>();
  const words: string[] = [];
  const byShorthand = new Map(
    Object.entries(flags).flatMap(([name, { shorthand }]) =>
      shorthand === undefined ? [] : [[shorthand, name] as const],
    ),
  );
  let at = 0;

  const take = (name: string, flag: Flag, text: string) => {
    const parsed = parseFlagValue(flag.kind, text);
    if ('problem' in parsed) {
      const label = flagLabel(name, flag);
      const reason = `invalid argument ${JSON.stringify(text)} for ${JSON.stringify(label)} flag: ${parsed.problem}`;
      throw new ThvError('ERR_FLAG_INVALID', { flag: name, reason });
    }
    const earlier = values.get(name);
    const isList = Array.isArray(earlier) && Array.isArray(parsed.value);
    values.set(name, isList ? [...earlier, ...parsed.value] : parsed.value);
  };

  const unknown = (reason: string, flag: string) => {
    const hint = options.unknownFlagHint?.(flag);
    return new ThvError('ERR_USAGE', { reason }, hint === undefined ? {} : { hint });
  };

  const takeLong = (argument: string) => {
    const equals = argument.indexOf('=');
    const name = argument.slice(2, equals === -1 ? undefined : equals);
    if (name === '' || name.startsWith('-'))
      throw new ThvError('ERR_USAGE', { reason: `bad flag syntax: ${argument}` });
    const flag = Object.hasOwn(flags, name) ? flags[name] : undefined;
    if (flag === undefined) throw unknown(`unknown flag: --${name}`, `--${name}`);
    if (equals !== -1) return take(name, flag, argument.slice(equals + 1));
    if (flag.kind === 'bool') return take(name, flag, 'true');
    const next = args[at++];
    if (next === undefined) throw new ThvError('ERR_USAGE', { reason: `flag needs an argument: --${name}` });
    return take(name, flag, next);
  };

  const takeShort = (cluster: string) => {
    for (let rest = cluster; rest !== ''; ) {
      const letter = String.fromCodePoint(rest.codePointAt(0) ?? 0);
      const name = byShorthand.get(letter);
      const flag = name === undefined ? undefined : flags[name];
      if (name === undefined || flag === undefined) {
        throw unknown(`unknown shorthand flag: '${letter}' in -${rest}`, `-${letter}`);
      }
      const tail = rest.slice(letter.length);
      if (tail.length > 1 && tail.startsWith('=')) return take(name, flag, tail.slice(1));
      if (flag.kind === 'bool') {
        take(name, flag, 'true');
        rest = tail;
        continue;
      }
      if (tail !== '') return take(name, flag, tail);
      const next = args[at++];
      if (next === undefined) {
        throw new ThvError('ERR_USAGE', { reason: `flag needs an argument: '${letter}' in -${rest}` });
      }
      return take(name, flag, next);
    }
  };

  while (at < args.length) {
    const argument = args[at++] ?? '';
    if (argument === '--') return { values, words, rest: args.slice(at) };
    if (argument.startsWith('--')) takeLong(argument);
    else if (argument.startsWith('-') && argument.length > 1) takeShort(argument.slice(1));
    else words.push(argument);
  }
  return { values, words, rest: undefined };
}
