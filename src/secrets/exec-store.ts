import { messageOf, ThvError } from '../errors/index.ts';
import { parseDuration } from '../platform/index.ts';
import { notFound, readOnly, unlistable } from './read-only.ts';
import type { Environment, SecretsStore } from './types.ts';

/**
 * A command line of the user's own (Bitwarden, pass, vault …) that prints one secret: started without a shell, stdin closed,
 * its output less one newline is the value. A non-zero exit is a failure told with the first line of stderr.
 */

const DEFAULT_TIMEOUT_MS = 10_000;
const PLACE = '{name}';
const LARGEST_OUTPUT_BYTES = 1024 * 1024;
/** Variables whose values are not repeated when a command prints them in a complaint. */
const CREDENTIAL = /TOKEN|SECRET|PASS|SESSION|KEY|CREDENTIAL|AUTH/i;

interface ExecOptions {
  /** Program and arguments; one of the arguments holds `{name}`. */
  readonly command: readonly string[];
  readonly env: Environment;
  /** How long the command may take, in Go's notation; 10 s unless given. */
  readonly timeout?: string | null | undefined;
}

/** Throws `ERR_CONFIG_INVALID` for a command that cannot be asked for a name. */
export function createExecStore({ command, env, timeout }: ExecOptions): SecretsStore {
  checkExecCommand(command);
  const given = parseDuration(timeout ?? '');
  const timeoutMs = 'ms' in given ? given.ms : DEFAULT_TIMEOUT_MS;
  return {
    type: 'exec',
    capabilities: { canRead: true, canWrite: false, canDelete: false, canList: false, canCleanup: false },
    async get(name, { signal } = {}) {
      const argv = command.map((argument, index) =>
        index === 0 ? argument : argument.replaceAll(PLACE, () => name),
      );
      requireSafe(name, command);
      const { exitCode, stdout, stderr } = await runCommand(argv, env, timeoutMs, signal);
      if (exitCode === 0) return stdout.replace(/\r?\n$/, '');
      const complaint = firstLine(stderr, [stdout.trim(), ...credentialsOf(env)]);
      // Programs have no common way to say that there is no such secret, other than these words (spec 09 §5.7).
      if (/not found|does not exist|no such|isn't in/i.test(complaint))
        throw notFound(name, `${argv[0]} said: ${complaint}`);
      throw failed(`${argv[0]} ended with exit code ${exitCode}${complaint === '' ? '' : `: ${complaint}`}`);
    },
    ...readOnly('exec'),
    list: unlistable('exec'),
  };
}

/** Throws `ERR_INPUT_INVALID` unless exactly one argument behind the program takes the name. */
function checkExecCommand(command: readonly string[]): void {
  const reason =
    command.length === 0 || command[0] === ''
      ? 'the exec secrets provider needs a command'
      : command.slice(1).filter((argument) => argument.includes(PLACE)).length === 1
        ? undefined
        : `the command of the exec secrets provider needs ${PLACE} in exactly one argument, where the name of the secret goes`;
  if (reason !== undefined)
    throw new ThvError(
      'ERR_INPUT_INVALID',
      { reason },
      { hint: `for example: thv secret provider exec -- bw get password ${PLACE}` },
    );
}

/** A name must stay one argument that the program does not take for an option. */
function requireSafe(name: string, command: readonly string[]): void {
  const leads = command.some((argument) => argument.startsWith(PLACE));
  if (name !== '' && !name.includes('\0') && !(leads && name.startsWith('-'))) return;
  const reason =
    name === ''
      ? 'secret name cannot be empty'
      : `invalid secret name ${JSON.stringify(name)}: the command would take it for an option`;
  throw new ThvError('ERR_SECRET_NAME_INVALID', { secret: name, reason });
}

async function runCommand(
  argv: readonly string[],
  env: Environment,
  timeoutMs: number,
  signal: AbortSignal | undefined,
) {
  signal?.throwIfAborted();
  let child: Bun.Subprocess<'ignore', 'pipe', 'pipe'>;
  try {
    child = Bun.spawn([...argv], {
      env: { ...env },
      stdin: 'ignore',
      stdout: 'pipe',
      stderr: 'pipe',
      windowsHide: true,
    });
  } catch (error) {
    throw failed(`failed to start ${argv[0]}: ${messageOf(error)}`, error);
  }
  // What the command itself started may hold its pipes: reading ends by ourselves, not by their end.
  const output = [collect(child.stdout), collect(child.stderr)] as const;
  const stop = () => {
    child.kill('SIGKILL');
    for (const { cancel } of output) cancel();
  };
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    stop();
  }, timeoutMs);
  signal?.addEventListener('abort', stop, { once: true });
  try {
    const [stdout, stderr] = await Promise.all(output.map(({ text }) => text));
    const exitCode = await child.exited;
    signal?.throwIfAborted();
    if (timedOut)
      throw new ThvError('ERR_TIMEOUT', { reason: `${argv[0]} did not answer within ${timeoutMs / 1000} s` });
    return { exitCode, stdout: stdout ?? '', stderr: stderr ?? '' };
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', stop);
    child.kill('SIGKILL');
  }
}

/** Reads a stream as text up to a limit; more is an error, because a secret must not be cut. */
function collect(stream: ReadableStream<Uint8Array>) {
  const reader = stream.getReader();
  const read = async () => {
    const decoder = new TextDecoder();
    let text = '';
    for (let size = 0; ; ) {
      const { done, value } = await reader.read();
      if (done) return text + decoder.decode();
      size += value.byteLength;
      if (size > LARGEST_OUTPUT_BYTES)
        throw failed('the command of the exec secrets provider printed too much');
      text += decoder.decode(value, { stream: true });
    }
  };
  return { text: read(), cancel: () => void reader.cancel().catch(() => undefined) };
}

/** First line of a complaint, unless it repeats what must not be seen. */
function firstLine(stderr: string, secrets: readonly string[]): string {
  const line = stderr.trim().split('\n')[0]?.trim() ?? '';
  return secrets.some((secret) => secret !== '' && line.includes(secret)) ? '' : line.slice(0, 300);
}

function credentialsOf(env: Environment): readonly string[] {
  return Object.entries(env).flatMap(([name, value]) =>
    value !== undefined && value.length > 3 && CREDENTIAL.test(name) ? [value] : [],
  );
}

function failed(reason: string, cause?: unknown): ThvError {
  return new ThvError('ERR_SECRETS_PROVIDER_FAILED', { provider: 'exec', reason }, { cause });
}
