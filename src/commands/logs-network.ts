import type { Terminal } from '../cli/index.ts';
import { followFile } from '../platform/index.ts';
import { type NetworkEntry, parseNetworkEntry } from '../runtimes/index.ts';
import type { WorkloadManager } from '../workloads/index.ts';

interface NetworkLogRequest {
  readonly options: { readonly follow: boolean; readonly format: 'json' | 'text' };
  readonly words: readonly string[];
  readonly signal: AbortSignal;
  readonly terminal: Terminal;
  readonly openWorkloads: () => Promise<Pick<WorkloadManager, 'networkLogPath'>>;
}

/** What a server tried to reach: a line for each attempt, in words or as it is kept. */
export async function showNetworkLog({
  options: { follow, format },
  words: [name = ''],
  signal,
  terminal,
  openWorkloads,
}: NetworkLogRequest): Promise<undefined> {
  const path = await (await openWorkloads()).networkLogPath(name);
  let found = false;
  for (const [part, isLast] of [
    [`${path}.1`, false],
    [path, true],
  ] as const) {
    for await (const line of linesOf(followFile(part, { follow: follow && isLast, signal }))) {
      const entry = parseNetworkEntry(line);
      if (entry === undefined) continue;
      found = true;
      if (!terminal.out(format === 'json' ? `${line}\n` : `${networkLine(entry)}\n`)) return;
    }
  }
  if (!found && !follow) terminal.err(`no refused connection of workload ${name} is on record\n`);
}

async function* linesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const bytes of chunks) {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
  }
}

/** `2026-11-30 12:00:00 refused connect evil.test:443 (3 times): not granted by the permission profile; outbound.allow_host: ["evil.test"] would allow it` */
export function networkLine({
  at,
  verdict,
  protocol,
  host,
  port,
  rule,
  remedy,
  count,
}: NetworkEntry): string {
  const target = host === '*' ? 'many other hosts' : `${host}${port === 0 ? '' : `:${port}`}`;
  const times = count === 1 ? '' : ` (${count} times)`;
  const wayOut = remedy === undefined ? '' : `; ${remedy} would allow it`;
  return `${at.slice(0, 19).replace('T', ' ')} ${verdict} ${protocol} ${target}${times}: ${rule}${wayOut}`;
}
