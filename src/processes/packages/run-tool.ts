import { ThvError } from '../../errors/index.ts';

interface ToolOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly signal: AbortSignal;
  readonly timeoutMs?: number;
}

interface ToolResult {
  readonly exitCode: number;
  readonly stdout: string;
  /** What it said last, for an error. */
  readonly lastWords: string;
}

const TIMEOUT_MS = 10 * 60_000;
const LAST_LINES = 12;

/** Runs a package tool to its end. Throws `ERR_CANCELLED` when `signal` aborts, `ERR_TIMEOUT` after ten minutes. */
export async function runTool(command: readonly string[], options: ToolOptions): Promise<ToolResult> {
  const { env, cwd, signal, timeoutMs = TIMEOUT_MS } = options;
  const child = Bun.spawn([...command], {
    env: Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined)),
    cwd,
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  });
  const kill = () => child.kill('SIGKILL');
  const timer = setTimeout(kill, timeoutMs);
  signal.addEventListener('abort', kill);
  if (signal.aborted) kill();
  try {
    const [stdout, stderr, exitCode] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
      child.exited,
    ]);
    if (signal.aborted) throw new ThvError('ERR_CANCELLED', { reason: 'cancelled' });
    if (child.signalCode === 'SIGKILL') {
      throw new ThvError('ERR_TIMEOUT', {
        reason: `${command[0]} did not finish within ${timeoutMs / 1000} s`,
      });
    }
    const said = (stderr.trim() === '' ? stdout : stderr).trim().split('\n');
    return { exitCode, stdout, lastWords: said.slice(-LAST_LINES).join('\n') };
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', kill);
  }
}
