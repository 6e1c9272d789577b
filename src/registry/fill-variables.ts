import { ThvError } from '../errors/index.ts';
import type { Logger } from '../platform/index.ts';
import type { EntryHeader, EntryVariable } from './entry.ts';

/** A value that is wanted from the person at the terminal. */
export interface Question {
  readonly kind: 'environment variable' | 'header';
  readonly name: string;
  readonly description: string;
  readonly secret: boolean;
  /** The only values that will do; empty for any. */
  readonly choices: readonly string[];
}

/** The ways to values that an entry's variables may take; each absent where there is none. */
export interface ValueSources {
  /** Asks the person; absent when nobody can be asked. '' and `undefined` are no answer. */
  readonly ask?: ((question: Question) => Promise<string | undefined>) | undefined;
  /** Absent when no secrets store is set up. */
  readonly secrets?: SecretValues | undefined;
  readonly logger: Logger;
}

interface SecretValues {
  /** Whether the store holds a secret of this name. */
  has(name: string): Promise<boolean>;
  /** Stores a value under this name or one made from it; gives the name that it can be read back by (spec 09 §5.5). */
  save(name: string, value: string): Promise<string>;
}

export interface FilledVariables {
  readonly plain: Readonly<Record<string, string>>;
  /** Names of secrets in the store, by variable or header. */
  readonly secrets: Readonly<Record<string, string>>;
}

/**
 * Values for the declared variables that the user did not provide (spec 08 §5.1, §9.9–§9.12). Defaults never need an answer; a
 * required secret is looked for in the store under its own name first. Everything is asked before anything is stored.
 * Throws `ERR_VARIABLES_MISSING` naming all that are missing, or the one that was left without an answer.
 */
export function fillVariables(
  declared: readonly EntryVariable[],
  provided: ReadonlySet<string>,
  sources: ValueSources,
): Promise<FilledVariables> {
  return fill(
    declared.filter(({ name }) => !provided.has(name)).map((variable) => ({ ...variable, choices: [] })),
    sources,
    'environment variable',
    (names) =>
      new ThvError(
        'ERR_VARIABLES_MISSING',
        { names },
        { hint: 'set it with -e NAME=VALUE, or --secret SECRET,target=NAME' },
      ),
  );
}

/** The same for the headers of a remote entry, whose names match in any case. Throws `ERR_HEADERS_MISSING`. */
export function fillHeaders(
  declared: readonly EntryHeader[],
  provided: ReadonlySet<string>,
  sources: ValueSources,
): Promise<FilledVariables> {
  const given = new Set([...provided].map((name) => name.toLowerCase()));
  return fill(
    declared.filter(({ name }) => !given.has(name.toLowerCase())),
    sources,
    'header',
    (names) =>
      new ThvError(
        'ERR_HEADERS_MISSING',
        { names },
        { hint: 'set it with --remote-forward-headers NAME=VALUE' },
      ),
  );
}

async function fill(
  wanted: readonly EntryHeader[],
  sources: ValueSources,
  kind: Question['kind'],
  missing: (names: readonly string[]) => ThvError,
): Promise<FilledVariables> {
  const plain: Record<string, string> = {};
  const secrets: Record<string, string> = {};
  const toStore: { readonly variable: EntryHeader; readonly value: string }[] = [];
  const open: EntryHeader[] = [];
  for (const variable of wanted) {
    const { name, required, secret, default: value } = variable;
    if (required && secret && (await sources.secrets?.has(name))) secrets[name] = name;
    else if (value === '' && required) open.push(variable);
    else if (value === '') continue;
    // Where nobody can be asked nothing is stored either: a store may have to be unlocked.
    else if (secret && sources.ask !== undefined) toStore.push({ variable, value });
    else plain[name] = value;
  }
  const { ask } = sources;
  if (open.length > 0 && ask === undefined) throw missing(open.map(({ name }) => name));
  for (const variable of open) {
    const { name, description, secret, choices } = variable;
    const value = await ask?.({ kind, name, description, secret, choices });
    if (value === undefined || value === '') throw missing([name]);
    if (choices.length > 0 && !choices.includes(value)) {
      throw new ThvError('ERR_INPUT_INVALID', {
        reason: `invalid value for ${name}, must be one of: ${choices.join(', ')}`,
      });
    }
    if (secret) toStore.push({ variable, value });
    else plain[name] = value;
  }
  for (const { variable, value } of toStore) {
    const saved = await save(variable, value, sources);
    if (saved === undefined) plain[variable.name] = value;
    else secrets[variable.name] = saved;
  }
  return { plain, secrets };
}

/** `undefined` when there is no store, or it does not take the value: then it travels as a plain one. */
async function save(
  { name, required }: EntryHeader,
  value: string,
  { secrets, logger }: ValueSources,
): Promise<string | undefined> {
  try {
    const saved = await secrets?.save(
      `registry-${required ? 'user' : 'default'}-${name.toLowerCase()}`,
      value,
    );
    if (saved === undefined)
      logger.warn('no secrets store is set up, using a plain variable', { variable: name });
    return saved;
  } catch (error) {
    logger.warn('failed to store a secret, using a plain variable', { variable: name, error });
    return undefined;
  }
}
