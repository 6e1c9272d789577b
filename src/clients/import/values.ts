import { isAbsolute, join, sep } from 'node:path';
import { withoutByteOrderMark } from '../../platform/index.ts';
import { NotImportable } from './not-importable.ts';

/** What placeholders of an entry are filled from. */
export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  /** Folder of the settings file; paths in some clients' settings are relative to it. */
  readonly folder: string;
  /** Throws when there is no such file. */
  readonly readText: (path: string) => string;
}

/** A value with all its placeholders filled. */
export interface Value {
  readonly text: string;
  /** Belongs into the secrets store. */
  readonly secret: boolean;
}

/**
 * The spellings of all clients at once: `$NAME`, `${NAME}`, `${NAME:-standard}`, `${env:NAME}`, `{env:NAME}`, `%NAME%`,
 * `{file:PATH}`, `${userHome}`; then those that nobody but the client can fill: `${input:…}`, `${workspaceFolder}`,
 * `${{ secrets.X }}`, `$(command)`.
 */
const PLACEHOLDER =
  /\$\{\{[^}]*\}\}|\$\([^)]*\)|\$\{[^}]*\}|\{(?:env|file):[^}]*\}|%[A-Za-z_]\w*%|\$[A-Za-z_]\w*/g;
const VARIABLE =
  /^(?:\$\{(?:env:)?([A-Za-z_]\w*)(?::-([^}]*))?\}|\{env:\s*([A-Za-z_]\w*)\s*\}|%([A-Za-z_]\w*)%|\$([A-Za-z_]\w*))$/;
/** Names of the clients' own, and of the folder that a client happens to run in. */
const OF_THE_CLIENT =
  /^(?:workspace\w*|file\w*|relativeFile\w*|cwd|execPath|lineNumber|selectedText|defaultBuildTask|PWD|OLDPWD)$/;

/** Looks up a variable by a name from outside: names that every object has, such as `constructor`, count as absent. */
export function variableIn(env: Surroundings['env'], name: string): string | undefined {
  return Object.hasOwn(env, name) ? env[name] : undefined;
}

/** Fills the placeholders of `text`. Throws `NotImportable` that names the one that cannot be filled. */
export function fill(where: string, text: string, surroundings: Surroundings): Value {
  let secret = looksSecret('', text);
  const filled = text.replaceAll(PLACEHOLDER, (placeholder) => {
    if (where === 'URL' && /^%[0-9A-Fa-f]{2}/.test(placeholder)) return placeholder; // an escaped character
    const value = outcomeOf(placeholder, surroundings);
    if ('problem' in value) throw new NotImportable(`its ${where} holds ${placeholder}, ${value.problem}`);
    secret ||= value.secret;
    return value.text;
  });
  return { text: filled, secret };
}

/** The same where only plain text can stand: command lines and URLs are shown in lists and kept as they are. */
export function fillPlain(where: string, text: string, surroundings: Surroundings): string {
  const { text: filled, secret } = fill(where, text, surroundings);
  if (secret && filled !== text) {
    const placeholder = text.match(PLACEHOLDER)?.[0];
    throw new NotImportable(
      `its ${where} holds ${placeholder}, a secret that would be kept in plain sight; give it to the server as a variable`,
    );
  }
  return filled;
}

type Outcome = Value | { readonly problem: string };

function outcomeOf(placeholder: string, surroundings: Surroundings): Outcome {
  const { env, home } = surroundings;
  if (/^\$\{userHome\}$/.test(placeholder)) return { text: home, secret: false };
  if (/^\$\{(?:\/|pathSeparator)\}$/.test(placeholder)) return { text: sep, secret: false };
  if (placeholder.startsWith('{file:')) return fileValue(placeholder.slice(6, -1).trim(), surroundings);
  const [, braced, standard, curly, percent, plain] = VARIABLE.exec(placeholder) ?? [];
  const name = braced ?? curly ?? percent ?? plain;
  if (name === undefined || OF_THE_CLIENT.test(name)) return { problem: 'which only the client can fill in' };
  const own = variableIn(env, name);
  const text = own || standard || own;
  if (text === undefined) return { problem: `and ${name} is not set here` };
  return { text, secret: looksSecret(name, text) };
}

/** A value that is kept in a separate file counts as a secret. */
function fileValue(path: string, surroundings: Surroundings): Outcome {
  try {
    return { text: surroundings.readText(resolvePath(path, surroundings)).trim(), secret: true };
  } catch {
    return { problem: 'a file that cannot be read' }; // whatever it was, the placeholder is named
  }
}

function resolvePath(path: string, { home, folder }: Surroundings): string {
  if (/^~(?=[/\\]|$)/.test(path)) return join(home, path.slice(1));
  return isAbsolute(path) ? path : join(folder, path);
}

/** Variables of a file such as `envFile` names. Throws `NotImportable` for one that cannot be found or read. */
export function readVariables(
  where: string,
  path: string,
  surroundings: Surroundings,
): Readonly<Record<string, string>> {
  const filled = fillPlain(where, path, surroundings);
  if (!isAbsolute(filled) && !filled.startsWith('~'))
    throw new NotImportable(`its ${where} is ${filled}, relative to a folder that only the client knows`);
  let text: string;
  try {
    text = surroundings.readText(resolvePath(filled, surroundings));
  } catch {
    throw new NotImportable(`its ${where} ${filled} cannot be read`);
  }
  const lines = withoutByteOrderMark(text).split(/\r\n|\r|\n/);
  return Object.fromEntries(
    lines.flatMap((line) => {
      const [, name, value = ''] = /^\s*(?:export\s+)?([A-Za-z_][\w.]*)\s*=\s*(.*?)\s*$/.exec(line) ?? [];
      return name === undefined ? [] : [[name, value.replace(/^(["'])(.*)\1$/, '$2')]];
    }),
  );
}

/** By the name of a variable or header, or by the value. */
export function looksSecret(name: string, value: string): boolean {
  if (value === '') return false;
  return (
    /TOKEN|SECRET|KEY|PASSWORD|PASSWD|CREDENTIAL|COOKIE|^AUTHORIZATION$|(?:^|[_-])(?:PAT|PWD|DSN|AUTH)(?:[_-]|$)/i.test(
      name,
    ) || /^(?:ghp_|gho_|github_pat_|glpat-|sk-|xox[abp]-|AKIA|eyJ)|:\/\/[^/@\s]+:[^/@\s]+@/.test(value)
  );
}
