/**
 * Who may import whom (src/README.md): a room imports rooms below it, or beside it as long as no circle arises, and only
 * through their index.ts. Type imports count, for they tell where knowledge flows. No two files import each other, and files of
 * one room may not need each other in a longer circle at run time.
 */
import { dirname, join, normalize } from 'node:path';
import { Glob } from 'bun';
import { parseSync } from 'oxc-parser';

/** From the top down; rooms of one line stand beside each other. */
const LAYERS: readonly (readonly string[])[] = [
  ['main.ts'],
  ['commands', 'api'],
  ['cli'],
  ['workloads'],
  ['client-stdio', 'host', 'sources'],
  ['registry', 'build', 'clients', 'secrets', 'processes', 'oauth', 'telemetry', 'usage', 'updates'],
  ['config', 'groups'],
  ['engine', 'sandbox', 'proxy', 'middleware', 'oidc'],
  ['records'],
  ['platform'],
  ['errors'],
];

interface Import {
  readonly from: string;
  readonly to: string;
  /** Erased before the program runs. */
  readonly typeOnly: boolean;
}

const files = [...new Glob('**/*.ts').scanSync('src')].filter((file) => !file.endsWith('.test.ts')).sort();
const imports = (await Promise.all(files.map(importsOf))).flat();
/** Two files that import each other, to be taken apart. */
const PAIRS: ReadonlySet<string> = new Set([
  'workloads/lifecycle.ts ↔ workloads/run.ts',
  'workloads/runtime.ts ↔ workloads/types.ts',
]);

const complaints = [
  ...files
    .filter((file) => layerOf(file) === -1)
    .map((file) => `${file}: unknown room, add it to scripts/rooms.ts`),
  ...imports.flatMap(({ from, to }) => {
    if (roomOf(from) === roomOf(to)) return [];
    if (layerOf(to) < layerOf(from)) return [`${from} → ${to}: ${roomOf(from)} lies below ${roomOf(to)}`];
    // The commands are loaded one by one, each by its own file.
    if (!to.endsWith('/index.ts') && !(from === 'main.ts' && roomOf(to) === 'commands'))
      return [`${from} → ${to}: import ${roomOf(to)}/index.ts instead`];
    return [];
  }),
  ...findCycle(imports.map(({ from, to }) => [roomOf(from), roomOf(to)])).map(
    (cycle) => `rooms in a circle: ${cycle}`,
  ),
  ...findCycle(imports.filter(({ typeOnly }) => !typeOnly).map(({ from, to }) => [from, to])).map(
    (cycle) => `files in a circle: ${cycle}`,
  ),
  ...pairsOf(imports)
    .filter((pair) => !PAIRS.has(pair))
    .map((pair) => `two files that import each other: ${pair}`),
];
for (const complaint of complaints) process.stderr.write(`${complaint}\n`);
process.exit(complaints.length === 0 ? 0 : 1);

async function importsOf(from: string): Promise<readonly Import[]> {
  const source = await Bun.file(join('src', from)).text();
  const { staticImports, staticExports, dynamicImports } = parseSync(from, source).module;
  const found = [
    ...staticImports.map((statement) => ({
      to: statement.moduleRequest.value,
      typeOnly: statement.entries.length > 0 && statement.entries.every((entry) => entry.isType),
    })),
    ...staticExports.flatMap(({ entries }) =>
      entries.flatMap((entry) =>
        entry.moduleRequest === null ? [] : [{ to: entry.moduleRequest.value, typeOnly: entry.isType }],
      ),
    ),
    // Evaluated later, so it makes no circle; layers hold for it all the same.
    ...dynamicImports.map(({ moduleRequest }) => ({
      to: source.slice(moduleRequest.start + 1, moduleRequest.end - 1),
      typeOnly: true,
    })),
  ];
  return found
    .filter(({ to }) => to.startsWith('.') && to.endsWith('.ts'))
    .map(({ to, typeOnly }) => ({ from, to: normalize(join(dirname(from), to)), typeOnly }))
    .filter(({ to }) => !to.startsWith('..'));
}

function pairsOf(edges: readonly Import[]): readonly string[] {
  const known = new Set(edges.map(({ from, to }) => `${from} ↔ ${to}`));
  const pairs = edges.filter(({ from, to }) => from < to && known.has(`${to} ↔ ${from}`));
  return [...new Set(pairs.map(({ from, to }) => `${from} ↔ ${to}`))];
}

function roomOf(file: string): string {
  return file.split('/')[0] ?? file;
}

function layerOf(file: string): number {
  return LAYERS.findIndex((rooms) => rooms.includes(roomOf(file)));
}

/** The first circle found, if any, as `a → b → a`. */
function findCycle(edges: readonly (readonly [string, string])[]): readonly string[] {
  const next = Map.groupBy(
    edges.filter(([from, to]) => from !== to),
    ([from]) => from,
  );
  const done = new Set<string>();
  const walk = (node: string, path: readonly string[]): string | undefined => {
    if (path.includes(node)) return [...path.slice(path.indexOf(node)), node].join(' → ');
    if (done.has(node)) return undefined;
    for (const [, to] of next.get(node) ?? []) {
      const cycle = walk(to, [...path, node]);
      if (cycle !== undefined) return cycle;
    }
    done.add(node);
    return undefined;
  };
  for (const node of next.keys()) {
    const cycle = walk(node, []);
    if (cycle !== undefined) return [cycle];
  }
  return [];
}
