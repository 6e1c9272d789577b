/**
 * The map of the rooms is true: each path that src/README.md names in back-ticks exists, seen from src/ or from the
 * repository root; a function that it names behind a file is in that file; the table of rooms is the one that
 * scripts/rooms.ts makes, and every folder of src/ has a row. `--write` puts the table in.
 */
import { existsSync, readdirSync } from 'node:fs';
import { parseSync } from 'oxc-parser';
import { DOCUMENTS, ROOMS } from './rooms.ts';

const MAP = 'src/README.md';
const TABLE = /(<!-- rooms: [^\n]*-->\n)[\s\S]*?(<!-- end of rooms -->)/;

/** One row per room; not padded, so that one more room changes one line. */
export function tableOf(rooms: Readonly<Record<string, string>>): string {
  const rows = Object.entries(rooms).map(
    ([name, job]) => `| \`${name.endsWith('.ts') ? name : `${name}/`}\` | ${job} |`,
  );
  return ['| room | job |', '| --- | --- |', ...rows].join('\n');
}

/** The document with `table` between its two marks; `undefined` where the marks are missing. */
export function withTable(text: string, table: string): string | undefined {
  return TABLE.test(text)
    ? text.replace(TABLE, (_, begin: string, end: string) => `${begin}${table}\n${end}`)
    : undefined;
}

/** What a document names as a path, in order: of files with `.ts`, of folders with `/` at the end, or rooted. */
export function pathsIn(text: string): readonly string[] {
  return [...text.matchAll(/`([\w.-]+(?:\/[\w.-]+)*(?:\/|\.ts))`|`((?:src|tests|scripts)\/[\w./-]+)`/g)].map(
    ([, path, rooted]) => path ?? rooted ?? '',
  );
}

/** What a document says to be in a file: `` `file.ts`: `name` ``, `` `file.ts`, `name` ``, `` `file.ts` (`a`, `b`) ``. */
export function namesIn(text: string): readonly { readonly file: string; readonly name: string }[] {
  return [...text.matchAll(/`([\w.-]+(?:\/[\w.-]+)*\.ts)`(?::| \(|,) ?((?:`\w+`(?:, |\)|))+)/g)].flatMap(
    ([, file = '', names = '']) => [...names.matchAll(/`(\w+)`/g)].map(([, name = '']) => ({ file, name })),
  );
}

/** Functions, methods and constants that a source defines, at whatever depth. */
export function definitionsOf(source: string): ReadonlySet<string> {
  const names = new Set<string>();
  const visit = (value: unknown): void => {
    if (Array.isArray(value)) for (const element of value) visit(element);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return;
    const node = value as Record<string, unknown>;
    const name = DEFINED_BY[String(node['type'])]?.(node);
    if (name !== undefined) names.add(name);
    for (const child of Object.values(node)) visit(child);
  };
  visit(parseSync('source.ts', source).program);
  return names;
}

const named = (member: string) => (node: Record<string, unknown>) => {
  const identifier = node[member] as { readonly name?: string } | null | undefined;
  return identifier?.name;
};
const DEFINED_BY: Readonly<Record<string, (node: Record<string, unknown>) => string | undefined>> = {
  FunctionDeclaration: named('id'),
  ClassDeclaration: named('id'),
  VariableDeclarator: named('id'),
  MethodDefinition: named('key'),
  // A method in an object, not a value in it.
  Property: (node) =>
    /Function/.test(String((node['value'] as { readonly type?: string }).type))
      ? named('key')(node)
      : undefined,
};

if (import.meta.main) process.exit(await main(process.argv.includes('--write')));

async function main(write: boolean): Promise<number> {
  const text = await Bun.file(MAP).text();
  const table = tableOf({ ...ROOMS, ...DOCUMENTS });
  const wanted = withTable(text, table);
  if (write && wanted !== undefined) await Bun.write(MAP, wanted);
  const now = write ? (wanted ?? text) : text;

  const complaints = pathsIn(now)
    .filter((path) => !existsSync(`src/${path}`) && !existsSync(path))
    .map((path) => `${path} does not exist`);
  if (now !== wanted)
    complaints.push('the table of rooms is not that of scripts/rooms.ts: scripts/map.ts --write');
  for (const { file, name } of namesIn(now)) {
    const place = [`src/${file}`, file].find(existsSync);
    if (place !== undefined && !definitionsOf(await Bun.file(place).text()).has(name))
      complaints.push(`${file} has no ${name}`);
  }
  const rows = new Set([...Object.keys(ROOMS), ...Object.keys(DOCUMENTS)]);
  const found = new Set(readdirSync('src').filter((name) => name !== 'README.md'));
  for (const name of found)
    if (!rows.has(name)) complaints.push(`src/${name} has no row: add it to scripts/rooms.ts`);
  for (const name of rows)
    if (!found.has(name)) complaints.push(`scripts/rooms.ts: src/${name} does not exist`);
  for (const complaint of complaints) process.stderr.write(`${MAP}: ${complaint}\n`);
  return complaints.length === 0 ? 0 : 1;
}
