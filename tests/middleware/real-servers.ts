import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { waitFor } from '../harness/wait-for.ts';

const FIXTURES = join(import.meta.dir, '..', 'fixtures');

/** A program of the fixtures, compiled; gone with its folder when disposed. */
export async function buildGoServer(): Promise<AsyncDisposable & { readonly program: string }> {
  const folder = await mkdtemp(join(process.env['THV_TEST_WORLDS'] ?? tmpdir(), 'go'));
  const program = join(folder, 'tools');
  const build = Bun.spawn(['go', 'build', '-o', program, '.'], {
    cwd: join(FIXTURES, 'go-tools'),
    env: { ...process.env, GOFLAGS: '-buildvcs=false', GOTOOLCHAIN: 'local', CGO_ENABLED: '0' },
    stderr: 'pipe',
  });
  const problem = await new Response(build.stderr).text();
  if ((await build.exited) !== 0) throw new Error(`go build: ${problem}`);
  return { program, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) };
}

export const PYTHON_SERVER = ['python3', join(FIXTURES, 'python-tools', 'server.py')] as const;

/** A server that listens, and what it says that it ran. */
export interface RealServer extends AsyncDisposable {
  readonly address: string;
  readonly ran: readonly string[];
}

export async function startServer(command: readonly string[]): Promise<RealServer> {
  const child = Bun.spawn([...command], { stdout: 'pipe', stderr: 'pipe' });
  const ran: string[] = [];
  let address = '';
  const reading = Promise.all([
    readLines(child.stdout, (line) => {
      address = line;
    }),
    readLines(child.stderr, (line) => {
      if (line.startsWith('ran ')) ran.push(line.slice('ran '.length));
    }),
  ]);
  await waitFor(
    () => address,
    (found) => found !== '',
    { what: `${command.join(' ')} listens` },
  );
  return {
    address,
    ran,
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await child.exited;
      await reading;
    },
  };
}

async function readLines(stream: ReadableStream<Uint8Array>, take: (line: string) => void): Promise<void> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const bytes of stream) {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) take(line);
  }
}
