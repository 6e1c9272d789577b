import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The compiled executable under test; the suites say so loudly when there is none. */
export const THV_BINARY = process.env['THV_BINARY'];

export function warnWithoutBinary(suite: string): void {
  if (THV_BINARY === undefined) process.stderr.write(`SKIPPED ${suite}: THV_BINARY names no executable\n`);
}

interface Result {
  readonly exit: number;
  readonly stdout: string;
  readonly stderr: string;
}

interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string;
}

/** A home of its own for one test, without an engine. */
export interface Home extends AsyncDisposable {
  readonly path: string;
  thv(args: readonly string[], options?: RunOptions): Promise<Result>;
  /** Starts a command without waiting, so that a test can send signals or read output as it comes. */
  spawn(
    args: readonly string[],
    env?: Readonly<Record<string, string>>,
  ): Bun.Subprocess<'ignore', 'pipe', 'pipe'>;
}

export async function openHome(): Promise<Home> {
  const path = await mkdtemp(join(tmpdir(), 'thv-cli-'));
  const ownEnv = (env: Readonly<Record<string, string>> = {}) => ({
    PATH: process.env['PATH'] ?? '',
    HOME: path,
    XDG_CONFIG_HOME: join(path, 'config'),
    XDG_DATA_HOME: join(path, 'data'),
    XDG_STATE_HOME: join(path, 'state'),
    XDG_CACHE_HOME: join(path, 'cache'),
    XDG_RUNTIME_DIR: join(path, 'runtime'),
    TOOLHIVE_KEYRING: 'off',
    // An engine of this machine must not make a test pass.
    TOOLHIVE_DOCKER_SOCKET: join(path, 'no-docker.sock'),
    TOOLHIVE_PODMAN_SOCKET: join(path, 'no-podman.sock'),
    ...env,
  });
  const command = (args: readonly string[]) => [THV_BINARY ?? 'thv', ...args];
  return {
    path,
    async thv(args, { env, stdin } = {}) {
      const child = Bun.spawn(command(args), {
        env: ownEnv(env),
        cwd: path,
        stdin: stdin === undefined ? 'ignore' : Buffer.from(stdin),
        stdout: 'pipe',
        stderr: 'pipe',
      });
      const [stdout, stderr, exit] = await Promise.all([
        new Response(child.stdout).text(),
        new Response(child.stderr).text(),
        child.exited,
      ]);
      return { exit, stdout, stderr };
    },
    spawn: (args, env) =>
      Bun.spawn(command(args), {
        env: ownEnv(env),
        cwd: path,
        stdin: 'ignore',
        stdout: 'pipe',
        stderr: 'pipe',
      }),
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  };
}
