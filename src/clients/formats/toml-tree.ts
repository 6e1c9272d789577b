import { type AST, getStaticTOMLValue, parseTOML } from 'toml-eslint-parser';

/** Positions in a TOML text; the parser is one made for linters, because it knows the position of everything. */

export type TomlNode = AST.TOMLTable | AST.TOMLKeyValue;
export type TomlValue = AST.TOMLContentNode;

/** Throws a plain `Error` naming line and column. */
export function parseToml(text: string): readonly TomlNode[] {
  return programOf(text).body[0].body;
}

export function tomlValues(text: string): Readonly<Record<string, unknown>> {
  return getStaticTOMLValue(programOf(text)) as Readonly<Record<string, unknown>>;
}

export function tomlValue(node: TomlNode | TomlValue): unknown {
  return getStaticTOMLValue(node);
}

export function isTable(node: TomlNode): node is AST.TOMLTable {
  return node.type === 'TOMLTable';
}

/** `a."b.c"` as its parts. */
export function keyOf(pair: AST.TOMLKeyValue): readonly string[] {
  return pair.key.keys.map((key) => (key.type === 'TOMLBare' ? key.name : key.value));
}

/** A key as it is written. */
export function tomlKey(key: string): string {
  return /^[A-Za-z0-9_-]+$/.test(key) ? key : JSON.stringify(key);
}

function programOf(text: string): AST.TOMLProgram {
  try {
    return parseTOML(text);
  } catch (error) {
    const { message, lineNumber, column } = error as Error & { lineNumber?: number; column?: number };
    const place = lineNumber === undefined ? '' : ` at line ${lineNumber}, column ${(column ?? 0) + 1}`;
    throw new Error(`${message}${place}`, { cause: error });
  }
}
