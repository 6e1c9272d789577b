import type { ServerLink, ServerProcess, ServerStdio } from '../../src/proxy/index.ts';

/** A stdio server run as a child process and attached to a bridge, the way the workload host attaches a container. */
export interface SpawnedServer extends AsyncDisposable {
  readonly pid: number;
  /** Lines the server wrote to stderr; fixtures report there what they were told. */
  readonly reports: readonly string[];
  /** Puts text on the server's stdout, as if it had written it. */
  receive(text: string): void;
  /** Ends the attachment only; the process keeps running. */
  detach(): void;
  kill(): Promise<void>;
}

export interface SpawnFacts {
  readonly command: readonly string[];
  readonly identity: string;
}

export function spawnServer(bridge: ServerStdio, { command, identity }: SpawnFacts): SpawnedServer {
  const child = Bun.spawn([...command], { stdin: 'pipe', stdout: 'pipe', stderr: 'pipe' });
  const reports: string[] = [];
  let room: Promise<unknown> = Promise.resolve();
  const process: ServerProcess = {
    identity,
    write(lines) {
      child.stdin.write(lines);
      const flushed = child.stdin.flush();
      if (typeof flushed === 'number') return true;
      room = flushed;
      return false;
    },
    async drained() {
      await room;
    },
  };
  const link = bridge.attach(process);
  const reading = Promise.all([pump(child.stdout, link), readReports(child.stderr, reports)]);

  async function kill(): Promise<void> {
    child.kill('SIGKILL');
    await child.exited;
    await reading;
  }

  return {
    pid: child.pid,
    reports,
    receive: (text) => link.receive(Buffer.from(text)),
    detach: () => link.ended('detached by the test'),
    kill,
    [Symbol.asyncDispose]: kill,
  };
}

async function pump(stdout: ReadableStream<Uint8Array>, link: ServerLink): Promise<void> {
  for await (const bytes of stdout) link.receive(bytes);
  link.ended('stdout closed');
}

async function readReports(stderr: ReadableStream<Uint8Array>, reports: string[]): Promise<void> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const bytes of stderr) {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    reports.push(...lines);
  }
}
