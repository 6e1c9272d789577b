import { headerNameProblem, headerRestriction, headerValueProblem } from '../../middleware/index.ts';
import type { Entry } from '../types.ts';
import { NotImportable } from './not-importable.ts';
import { fill, looksSecret, readVariables, type Surroundings, type Value, variableIn } from './values.ts';

export type Values = Readonly<Record<string, Value>>;

/** Some clients put a part of the entry into an object: Cline all of the transport, Zed the command. */
export function flattened(entry: Entry): Entry {
  const { transport, command, requestOptions, requestInit, ...rest } = entry;
  return {
    ...rest,
    ...(isRecord(requestInit) ? requestInit : {}),
    ...(isRecord(requestOptions) ? requestOptions : {}),
    ...(isRecord(transport) ? transport : transport === undefined ? {} : { transport }),
    ...(isRecord(command)
      ? { ...command, command: command['path'] ?? command['command'] }
      : command === undefined
        ? {}
        : { command }),
  };
}

/** A program with its arguments, in any of the shapes that clients use. */
export function commandOf(entry: Entry): readonly string[] {
  const command = entry['command'] ?? entry['cmd'];
  const args = entry['args'] ?? [];
  const words = Array.isArray(command) ? command.map(String) : [isText(command) ? command : ''];
  return [...words, ...(Array.isArray(args) ? args.map(String) : [])];
}

/** All variables of a program: those of a file, those passed on from the client's own, and those that stand there. */
export function environmentOf(entry: Entry, surroundings: Surroundings): Values {
  const given = [entry['env'], entry['envs'], entry['environment']].find(isRecord) ?? {};
  const file = entry['envFile'];
  return {
    ...(isText(file) ? plainValues(readVariables('envFile', file, surroundings)) : {}),
    ...passedOn(
      entry['env_vars'],
      surroundings,
      (name) => `it passes on the variable ${name}, which is not set`,
    ),
    ...passedOn(
      entry['env_keys'],
      surroundings,
      (name) =>
        `its variable ${name} is among Goose's own secrets, which only Goose can read; set ${name} and import again`,
      true,
    ),
    ...filledValues('variable', given, surroundings),
  };
}

/** Headers for a remote server, under whatever key. */
export function headersOf(entry: Entry, surroundings: Surroundings): Values {
  const given = [entry['headers'], entry['http_headers']].filter(isRecord);
  const byVariable = isRecord(entry['env_http_headers']) ? entry['env_http_headers'] : {};
  const bearer = entry['bearer_token_env_var'] ?? entry['bearerTokenEnvVar'];
  const fromVariable = (name: string, prefix: string): Value => {
    const value = variableIn(surroundings.env, name);
    if (value === undefined || value === '')
      throw new NotImportable(`it sends the variable ${name} as a header, which is not set`);
    return { text: prefix + value, secret: true };
  };
  const headers: Values = {
    ...Object.assign({}, ...given.map((record) => filledValues('header', record, surroundings))),
    ...Object.fromEntries(
      Object.entries(byVariable).map(([name, variable]) => [name, fromVariable(String(variable), '')]),
    ),
    ...(isText(bearer) ? { Authorization: fromVariable(bearer, 'Bearer ') } : {}),
  };
  for (const [name, { text }] of Object.entries(headers)) {
    const restriction = headerRestriction(name);
    const problem = headerNameProblem(name) ?? headerValueProblem(text);
    if (restriction !== undefined) throw new NotImportable(restriction);
    if (problem !== undefined) throw new NotImportable(`its header ${name} cannot be sent: ${problem}`);
  }
  return headers;
}

/** `undefined` for a program. */
export function transportOf(entry: Entry, url: string): 'sse' | 'streamable-http' {
  const words = [entry['type'], entry['transport'], entry['transportType']].filter(isText);
  const other = words.find((word) => /^(?:ws|websocket)$/i.test(word));
  if (other !== undefined) throw new NotImportable(`it is reached over '${other}'`);
  if (words.some((word) => word === 'sse')) return 'sse';
  const isTold = words.some((word) => /http/i.test(word)) || isText(entry['httpUrl']);
  return !isTold && /\/sse$/.test(url.replace(/[?#].*$/, '')) ? 'sse' : 'streamable-http';
}

function filledValues(what: string, given: Entry, surroundings: Surroundings): Values {
  return Object.fromEntries(
    Object.entries(given).flatMap(([name, raw]) => {
      if (raw === null || raw === undefined) return [];
      if (typeof raw === 'object') throw new NotImportable(`its ${what} ${name} is no plain value`);
      const { text, secret } = fill(`${what} ${name}`, String(raw), surroundings);
      return [[name, { text, secret: secret || looksSecret(name, text) }]];
    }),
  );
}

export function plainValues(given: Readonly<Record<string, string>>): Values {
  return Object.fromEntries(
    Object.entries(given).map(([name, text]) => [name, { text, secret: looksSecret(name, text) }]),
  );
}

/** Names, or objects with a name, of variables that the client has in its own environment. */
function passedOn(
  names: unknown,
  { env }: Surroundings,
  problem: (name: string) => string,
  secret = false,
): Values {
  if (!Array.isArray(names)) return {};
  return Object.fromEntries(
    names.map((item: unknown) => {
      const name = isRecord(item) ? String(item['name']) : String(item);
      const text = variableIn(env, name);
      if (text === undefined) throw new NotImportable(problem(name));
      return [name, { text, secret: secret || looksSecret(name, text) }];
    }),
  );
}

export function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function isRecord(value: unknown): value is Entry {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
