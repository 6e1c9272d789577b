import { join } from 'node:path';
import type { Home } from './workloads.ts';

interface Message {
  readonly id?: number;
  readonly result?: { readonly data: readonly Status[] };
  readonly error?: unknown;
}

interface Status {
  readonly name: string;
  readonly tools: Readonly<Record<string, unknown>>;
}

/** Asks Codex's app server, which connects to the servers without an account, for their status. */
export async function askCodex(folder: string, home: Home): Promise<Readonly<Record<string, string>>> {
  await using child = Bun.spawn(['node', join(folder, 'bin', 'codex.js'), 'app-server'], {
    cwd: home.work,
    env: { PATH: process.env['PATH'] ?? '', HOME: home.folder, DO_NOT_TRACK: '1' },
    stdin: 'pipe',
    stdout: 'pipe',
    stderr: 'ignore',
    timeout: 50_000,
  });
  const send = (message: object) => child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
  const clientInfo = { name: 'thv-test', title: 'thv', version: '1' };
  send({ id: 1, method: 'initialize', params: { clientInfo } });
  send({ method: 'initialized' });
  send({ id: 2, method: 'mcpServerStatus/list', params: {} });
  await child.stdin.flush();
  const servers = await answerIn(child.stdout);
  return Object.fromEntries(
    servers
      .filter(({ name }) => name !== 'theirs')
      .map(({ name, tools }) => [name, 'get-sum' in tools ? 'reached' : 'without tools']),
  );
}

async function answerIn(stdout: ReadableStream<Uint8Array>): Promise<readonly Status[]> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of stdout) {
    const lines = (text + decoder.decode(chunk, { stream: true })).split('\n');
    text = lines.pop() ?? '';
    const answer = lines.map((line): Message => JSON.parse(line)).find(({ id }) => id === 2);
    if (answer?.error !== undefined) throw new Error(`codex: ${JSON.stringify(answer.error)}`);
    if (answer?.result !== undefined) return answer.result.data;
  }
  throw new Error('codex ended without an answer');
}
