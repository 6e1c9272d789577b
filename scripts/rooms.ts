/**
 * The rooms of `src/`, and who may import whom: a room imports rooms below it in this list, never above, and only through
 * their index.ts. Type imports count, because they tell where knowledge flows. No two files import each
 * other, and files of one room may not need each other in a longer circle at run time. `scripts/map.ts --write` makes the table in src/README.md from this list.
 */
import { dirname, join, normalize } from 'node:path';
import { Glob } from 'bun';
import { parseSync } from 'oxc-parser';

/** From the top down, each with its job. */
export const ROOMS: Readonly<Record<string, string>> = {
  'main.ts': 'the command tree, each command imported when it is called',
  commands: 'one file per command: options → service → output',
  api: 'the REST API: routes over the services, schemas and OpenAPI, listeners (TCP, UNIX socket, named pipe), the record others find it by',
  cli: 'the edge: flags, help, tables, log settings, signals, exit codes',
  workloads: 'what one can do with workloads: list, get, run, start, stop, remove, logs',
  'client-stdio': '`thv proxy stdio`: a client on our stdin and stdout, connected to the URL of a workload',
  host: 'one `WorkloadRun` per running workload: server up, proxy connected, restarts, crash recovery; the control socket between commands and the shared host',
  sources: 'the word after `thv run` → what is to be run',
  runtimes:
    'what runs servers: one `Runtime` per kind of workload (container, process, remote), a folder each; find, list, prepare, serve, stop, remove, logs. Knows nothing of MCP',
  processes:
    'packages without a container engine: installed into a store, run in a sandbox of the machine, behind an egress proxy',
  build:
    'a package or a folder → an image: what is asked for, settings of this machine, Dockerfile, context, and whether an image of the same inputs is there already',
  signatures:
    'who signed an image: its signatures in the registry, trust roots, keys of one’s own; whether it is the image that was expected',
  registry:
    'servers by name: the catalog in the executable, a file, a URL or a registry API; both formats; what a run takes from an entry; logging in to a registry',
  clients:
    'settings of MCP clients: where they are, who is registered, entries written and taken out byte by byte; servers found there as workloads',
  secrets:
    'where secrets are: encrypted file with the keyring, 1Password, environment, a command of the user’s; views on them; what a workload’s `--secret` becomes',
  oauth: 'this program as an OAuth client: discovery, a login in the browser, renewal of tokens',
  usage: 'usage metrics: counted tool calls, told to the endpoint that the user named',
  updates: 'asking for a newer version, at the endpoint that the user named',
  config: '`config.yaml`',
  groups: 'group files',
  sandbox: 'permission profile and document → deployment plan → engine settings',
  engine:
    'Docker and Podman over their sockets: discovery, containers, images, networks, attach. Knows nothing of MCP or of workloads',
  sidecar:
    'the program in the container beside isolated workloads: HTTP proxy, filtering name service, TCP relays and the way in, for each by the address it is spoken to at. Bundled by itself into the executable; knows nothing of engines',
  egress:
    'the way out of what has no network: an HTTP proxy that connects to granted hosts and ports only. Knows nothing of processes or containers',
  tokens: 'access tokens of `thv token`: the file of their hashes, and whom a token stands for',
  middleware: 'the chain before an endpoint, one folder per middleware',
  'tool-lock': 'the tools of a workload as a person approved them, and how those of its server differ',
  authz: 'who may do what: the authorization config, Cedar policies in their engine, an HTTP decision point',
  audit: 'the audit log: its settings, its lines, and how they get to disk behind the requests',
  proxy: 'MCP on the wire: server-stdio, reverse proxy, sessions, listener. Knows nothing of containers',
  oidc: 'tokens of incoming requests: issuer, keys, introspection, what an unauthenticated caller is told',
  records: 'what is on disk: run config document, status file, names, labels',
  net: 'the network as an attacker sees it: kinds of addresses, what is this machine, the one HTTP client for what goes out, the one parser of HTTP answers',
  platform: 'the operating system: paths, atomic files, locks, processes, ports, logs',
  errors: 'the one error family',
};

/** Folders of `src/` without code. */
export const DOCUMENTS: Readonly<Record<string, string>> = {
  spec: 'how the program behaves, chapter by chapter, and the glossary',
  decisions: 'why it is built as it is: context, decision, price',
  docs: 'pages for users, linked from the README at the top',
};

interface Import {
  readonly from: string;
  readonly to: string;
  /** Erased before the program runs. */
  readonly typeOnly: boolean;
}

if (import.meta.main) process.exit(await check());

async function check(): Promise<number> {
  const files = [...new Glob('**/*.ts').scanSync('src')].filter((file) => !file.endsWith('.test.ts')).sort();
  const imports = (await Promise.all(files.map(importsOf))).flat();
  const complaints = [
    ...files
      .filter((file) => levelOf(file) === -1)
      .map((file) => `${file}: unknown room, add it to scripts/rooms.ts`),
    ...imports.flatMap(({ from, to }) => {
      if (roomOf(from) === roomOf(to)) return [];
      if (levelOf(to) < levelOf(from)) return [`${from} → ${to}: ${roomOf(from)} lies below ${roomOf(to)}`];
      // The commands are loaded one by one, each by its own file.
      if (!to.endsWith('/index.ts') && !(from === 'main.ts' && roomOf(to) === 'commands'))
        return [`${from} → ${to}: import ${roomOf(to)}/index.ts instead`];
      return [];
    }),
    ...findCycle(imports.filter(({ typeOnly }) => !typeOnly).map(({ from, to }) => [from, to])).map(
      (cycle) => `files in a circle: ${cycle}`,
    ),
    ...pairsOf(imports).map((pair) => `two files that import each other: ${pair}`),
  ];
  for (const complaint of complaints) process.stderr.write(`${complaint}\n`);
  return complaints.length === 0 ? 0 : 1;
}

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

/** How far down; -1 for none. */
function levelOf(file: string): number {
  return Object.keys(ROOMS).indexOf(roomOf(file));
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
