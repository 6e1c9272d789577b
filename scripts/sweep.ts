import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import * as v from 'valibot';

/**
 * Published servers as their users run them. A server that fails is started by its own runner (`npx`, `uvx`, `go run`) as well: what
 * fails there too needs an account or a service that is not here, and is not ours to mend.
 */

const ServerSchema = v.strictObject({
  source: v.string(),
  args: v.optional(v.array(v.string()), []),
  env: v.optional(v.record(v.string(), v.string()), {}),
  /** A tool that changes nothing, with its arguments; without, one that needs no arguments and is named like a question. */
  call: v.optional(v.tuple([v.string(), v.record(v.string(), v.unknown())])),
});
type Server = v.InferOutput<typeof ServerSchema>;

interface Outcome {
  readonly verdict: 'works' | 'fails' | 'fails by itself too';
  readonly tools: number | undefined;
  readonly called: string;
  readonly stopMs: number | undefined;
  readonly reason: string;
}

const BINARY = resolve('dist/thv');
const START_TIMEOUT_MS = 5 * 60_000;
const LONGEST_STOP_MS = 2000;
const PEER_TIMEOUT_MS = 3 * 60_000;
const QUESTION = /^(?:.*[_-])?(?:list|get|show|status|info|version|describe)(?:[_-].*)?$/i;

const filters = Bun.argv.slice(2);
const servers = v
  .parse(v.array(ServerSchema), await Bun.file(join(import.meta.dir, 'sweep-list.json')).json())
  .filter(({ source }) => filters.length === 0 || filters.some((filter) => source.includes(filter)));
const home = await mkdtemp(join(tmpdir(), 'thv-sweep-'));
const outcomes: [Server, Outcome][] = [];
try {
  for (const server of servers) {
    const outcome = await sweep(server);
    outcomes.push([server, outcome]);
    process.stdout.write(`${rowOf(server, outcome)}\n`);
  }
} finally {
  await rm(home, { recursive: true, force: true });
}
const count = (verdict: Outcome['verdict']) =>
  outcomes.filter(([, outcome]) => outcome.verdict === verdict).length;
process.stdout.write(
  `\n${count('works')} work, ${count('fails')} fail, ${count('fails by itself too')} fail by themselves too\n`,
);
process.exitCode = count('fails') > 0 ? 1 : 0;

async function sweep(server: Server): Promise<Outcome> {
  const { source, args, env } = server;
  const name = `sweep-${outcomes.length}`;
  const variables = Object.entries(env).flatMap(([key, value]) => ['-e', `${key}=${value}`]);
  const flags = ['--name', name, '--runtime', 'process', '--transport', 'stdio', '--wait'];
  let tools: number | undefined;
  let called = '';
  let reason = '';
  const started = await thv(['run', ...flags, ...variables, source, '--', ...args], START_TIMEOUT_MS);
  if (started.exitCode !== 0) reason = lastLine(started.stderr);
  else {
    const listed = await thv([
      'mcp',
      'list',
      'tools',
      '--server',
      name,
      '--format',
      'json',
      '--timeout',
      '60s',
    ]);
    if (listed.exitCode !== 0) reason = lastLine(listed.stderr);
    else {
      const found = (JSON.parse(listed.stdout) as { tools: readonly Tool[] }).tools ?? [];
      tools = found.length;
      [called, reason] = await callOne(name, server, found);
    }
  }
  const before = performance.now();
  await thv(['stop', name]);
  const stopMs = started.exitCode === 0 ? Math.round(performance.now() - before) : undefined;
  await thv(['rm', name]);
  if (reason === '' && stopMs !== undefined && stopMs > LONGEST_STOP_MS) reason = `took ${stopMs} ms to stop`;
  const verdict =
    reason === '' ? 'works' : (await answersAlone(server, called)) ? 'fails' : 'fails by itself too';
  return { verdict, tools, called, stopMs, reason };
}

interface Tool {
  readonly name: string;
  readonly inputSchema?: { readonly required?: readonly string[] | null };
}

/** Name of the tool that was called, and what was wrong. An error that the tool itself reports is an answer. */
async function callOne(
  name: string,
  { call }: Server,
  tools: readonly Tool[],
): Promise<readonly [string, string]> {
  const asked = tools.find(
    ({ name: tool, inputSchema }) => QUESTION.test(tool) && (inputSchema?.required ?? []).length === 0,
  );
  const [tool, args] = call ?? [asked?.name ?? '', {}];
  if (tool === '') return ['', ''];
  const { exitCode, stderr } = await thv([
    ...['mcp', 'call', tool, '--server', name, '--timeout', '60s'],
    ...['--args', JSON.stringify(args)],
  ]);
  return [tool, exitCode === 0 || stderr.includes('reported an error') ? '' : lastLine(stderr)];
}

/** Whether the server answers `initialize`, lists its tools and answers a call of `tool` when its own runner starts it. */
async function answersAlone({ source, args, env, call }: Server, tool: string): Promise<boolean> {
  const [, scheme, name] = /^(npx|uvx|go):\/\/(.*)$/.exec(source) ?? [];
  if (name === undefined) return false;
  const command =
    scheme === 'npx' ? ['npx', '-y', name] : scheme === 'uvx' ? ['uvx', name] : ['go', 'run', name];
  // Without its runner a failure counts as ours.
  if (Bun.which(command[0] ?? '') === null) return true;
  const child = Bun.spawn([...command, ...args], {
    env: { ...process.env, ...env },
    stdin: 'pipe',
    stdout: 'pipe',
    stderr: 'ignore',
    timeout: PEER_TIMEOUT_MS,
    killSignal: 'SIGKILL',
  });
  const lines = linesOf(child.stdout);
  const ask = async (id: number, method: string, params: unknown): Promise<boolean> => {
    child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', id, method, params })}\n`);
    await child.stdin.flush();
    for (let next = await lines.next(); !next.done; next = await lines.next()) {
      const message = parse(next.value);
      if (message?.['id'] === id) return 'result' in message;
    }
    return false;
  };
  try {
    const clientInfo = { name: 'sweep', version: '1' };
    if (!(await ask(1, 'initialize', { protocolVersion: '2025-06-18', capabilities: {}, clientInfo })))
      return false;
    child.stdin.write('{"jsonrpc":"2.0","method":"notifications/initialized"}\n');
    if (!(await ask(2, 'tools/list', {}))) return false;
    return tool === '' || (await ask(3, 'tools/call', { name: tool, arguments: call?.[1] ?? {} }));
  } finally {
    child.kill('SIGKILL');
  }
}

async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  let rest = '';
  const decoder = new TextDecoder();
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
  }
}

function parse(line: string): Readonly<Record<string, unknown>> | undefined {
  try {
    return JSON.parse(line);
  } catch {
    return undefined; // Some write other things to stdout, too.
  }
}

async function thv(args: readonly string[], timeoutMs = 120_000) {
  const child = Bun.spawn([BINARY, ...args], {
    env: {
      ...process.env,
      HOME: home,
      ...Object.fromEntries(
        ['CONFIG', 'DATA', 'STATE', 'CACHE'].map((kind) => [
          `XDG_${kind}_HOME`,
          join(home, kind.toLowerCase()),
        ]),
      ),
      XDG_RUNTIME_DIR: home,
      // Containers of whoever runs this are none of its business.
      TOOLHIVE_RUNTIME: 'process',
      TOOLHIVE_KEYRING: 'off',
    },
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
    timeout: timeoutMs,
  });
  const [stdout, stderr, exitCode] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { stdout, stderr, exitCode };
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1)?.slice(0, 160) ?? '';
}

function rowOf({ source }: Server, { verdict, tools, called, stopMs, reason }: Outcome): string {
  const cells = [source, verdict, tools ?? '', called, stopMs === undefined ? '' : `${stopMs} ms`, reason];
  return `| ${cells.join(' | ')} |`;
}
