import { endInput, exitOf, hasEnded, waitForEnd } from './child.ts';
import { withoutView } from './own-folders.ts';
import type { ProcessSpec, SandboxedProcess } from './types.ts';

/**
 * Starts a process on Windows, where there is no supervisor of ours between: its tree is ended by `taskkill`, and when this process
 * is killed, a server that reads its input ends by itself.
 */
export async function startPlain(spec: ProcessSpec, self: readonly string[]): Promise<SandboxedProcess> {
  const { command, cwd, env } = withoutView(spec, self);
  const systemRoot = process.env['SystemRoot'] ?? 'C:\\Windows';
  const child = Bun.spawn([...command], {
    cwd,
    // Windows programs do not start without it.
    env: { SystemRoot: systemRoot, TEMP: env['TMPDIR'] ?? '', TMP: env['TMPDIR'] ?? '', ...env },
    stdin: 'pipe',
    stdout: 'pipe',
    stderr: 'pipe',
    windowsHide: true,
  });
  const endTree = async () => {
    await Bun.spawn(['taskkill', '/PID', String(child.pid), '/T', '/F'], {
      stdout: 'ignore',
      stderr: 'ignore',
    }).exited;
  };
  const exited = child.exited.then(() => exitOf(child));
  return {
    pid: child.pid,
    stdin: child.stdin,
    stdout: child.stdout,
    stderr: child.stderr,
    exited,
    held: {},
    async stop(graceMs) {
      // There is no SIGTERM; the end of its input is what it can act upon.
      await waitForEnd(child, await endInput(child, graceMs));
      if (!hasEnded(child)) await endTree();
      await exited;
    },
  };
}
