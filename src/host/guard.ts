import { join } from 'node:path';
import { type Logger, openOutput, type Paths, selfCommand } from '../platform/index.ts';
import { desiredFolder } from './desired-state.ts';
import type { RunEnvironment } from './environment.ts';

/**
 * Parent of the host on Unix: starts it again whatever it died of, at once at first, and slower when it keeps dying; an executable
 * that is being replaced or a disk without room comes back. 0 = ended by itself, or another host is here. It ends as well when
 * nothing is meant to run: `$1` is the folder of what is. It passes on the environment of the first start, so nothing secret is
 * written to disk for a restart. The host is told who guards it, so that it notices when that is gone. SIGINT is ignored, because some
 * shells keep it in mind until their child ends, and then end too instead of starting the next one.
 */
const GUARD = `trap '' INT; f=$1; shift; n=0
now() { date +%s 2>/dev/null || echo 0; }
while :; do
  t=$(now); TOOLHIVE_GUARD=$$ "$@"; s=$?
  [ $s -eq 0 ] && exit 0
  [ -n "$(ls "$f" 2>/dev/null)" ] || exit $s
  [ $(($(now) - t)) -gt 60 ] && n=0
  n=$((n + 1))
  if [ $n -le 20 ]; then sleep 0.1 || sleep 1; elif [ $n -le 60 ]; then sleep 5; else sleep 15; fi
done`;

/**
 * Runs before the loop when the host lives already: waits for a line that says how the host ended. A killed host writes none, so
 * the pipe just ends; then the loop begins.
 */
const UNTIL_KILLED = 'read -r s && exit "$s"; exec </dev/null\n';

const LOOK_EVERY_MS = 1000;

/** The command that starts a host, on Unix with its guard. */
export function guardedHost(paths: Paths, flags: readonly string[]): readonly string[] {
  const host = [...selfCommand(), 'host', ...flags];
  return process.platform === 'win32' ? host : guardCommand(GUARD, paths, host);
}

function guardCommand(script: string, paths: Paths, host: readonly string[]): readonly string[] {
  return ['sh', '-c', script, 'thv-guard', desiredFolder(paths.state), ...host];
}

interface KeepGuardedOptions {
  readonly paths: Paths;
  readonly flags: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What a successor cannot find on disk. */
  readonly secrets: () => RunEnvironment;
  readonly logger: Logger;
}

/**
 * Sees to it that somebody guards this host. A guard that is gone, which the host learns from having another parent, is replaced by one
 * that stands beside the host until that is killed; the ports stay open meanwhile. Disposal says that the end was meant. A host that
 * was started without a guard stays without.
 */
export function keepGuarded({ paths, flags, env, secrets, logger }: KeepGuardedOptions): Disposable {
  const first = Number(env['TOOLHIVE_GUARD'] ?? 0);
  if (first <= 0 || process.platform === 'win32') return { [Symbol.dispose]: () => undefined };
  let beside: ReturnType<typeof standBeside> | undefined;

  function standBeside() {
    const command = guardCommand(UNTIL_KILLED + GUARD, paths, [...selfCommand(), 'host', ...flags]);
    using output = openOutput(join(paths.data, 'logs', 'thv-host.log'), () => undefined);
    const guard = Bun.spawn([...command], {
      env: { ...env, ...secrets() },
      cwd: '/',
      stdin: 'pipe',
      stdout: output.fd,
      stderr: output.fd,
      detached: true,
    });
    guard.unref();
    return guard;
  }

  function look(): void {
    const isGuarded =
      beside === undefined ? process.ppid === first : beside.exitCode === null && beside.signalCode === null;
    if (isGuarded) return;
    logger.warn('the guard of the workload host is gone, starting another one');
    try {
      beside = standBeside();
    } catch (error) {
      logger.error('the workload host is not guarded, trying again', { error });
    }
  }

  const watch = setInterval(look, LOOK_EVERY_MS);
  look();
  return {
    [Symbol.dispose]() {
      clearInterval(watch);
      try {
        beside?.stdin.write('0\n');
        void beside?.stdin.end();
      } catch {
        // gone by itself in this very second: there is nobody to tell
      }
    },
  };
}
