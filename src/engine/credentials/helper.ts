import { startDeadline, unlessAborted } from '../../platform/index.ts';
import type { Environment, RegistryCredentials } from './types.ts';

const HELPER_TIMEOUT_MS = 20_000;

/**
 * Asks `docker-credential-<name> get` for `server` (docker/docker-credential-helpers, "Development"). `undefined` when the helper
 * is missing, fails, knows nothing or takes more than 20 s: another source may know. Its output is a secret and goes nowhere.
 */
export async function askCredentialHelper(
  name: string,
  server: string,
  options: {
    readonly env: Environment;
    readonly signal?: AbortSignal | undefined;
    readonly timeoutMs?: number;
  },
): Promise<RegistryCredentials | undefined> {
  // The name becomes part of a command and comes from a file.
  if (!/^[A-Za-z0-9._-]+$/.test(name)) return undefined;
  using deadline = startDeadline({
    signal: options.signal,
    timeoutMs: options.timeoutMs ?? HELPER_TIMEOUT_MS,
  });
  try {
    const helper = Bun.spawn([`docker-credential-${name}`, 'get'], {
      env: { ...options.env },
      stdin: Buffer.from(server),
      stdout: 'pipe',
      stderr: 'ignore',
      signal: deadline.signal,
      killSignal: 'SIGKILL',
    });
    const answer = Promise.all([new Response(helper.stdout).text(), helper.exited]);
    // What a helper itself started may hold its output open after its end.
    const [output, exitCode] = await unlessAborted(answer, deadline.signal);
    return exitCode === 0 ? parseHelperAnswer(output) : undefined;
  } catch {
    return undefined; // not installed, or its answer is not JSON: as good as knowing nothing (spec 03 §12.3.5)
  }
}

/** `{"ServerURL", "Username", "Secret"}`; the user name `<token>` marks the secret as an identity token. */
function parseHelperAnswer(output: string): RegistryCredentials | undefined {
  const answer: unknown = JSON.parse(output);
  if (typeof answer !== 'object' || answer === null || !('Username' in answer) || !('Secret' in answer))
    return undefined;
  const { Username, Secret } = answer;
  if (typeof Username !== 'string' || typeof Secret !== 'string' || Secret === '') return undefined;
  if (Username === '<token>') return { kind: 'identity-token', identityToken: Secret };
  return { kind: 'password', username: Username, password: Secret };
}
