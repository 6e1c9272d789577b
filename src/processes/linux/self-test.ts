import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { release, tmpdir } from 'node:os';
import { join } from 'node:path';
import * as v from 'valibot';
import { ThvError } from '../../errors/index.ts';
import { type Logger, silentLogger, writeFileAtomic } from '../../platform/index.ts';
import { PROGRAM } from '../filesystem-view.ts';
import { landlockVersion } from './landlock.ts';
import type { Bait } from './probe.ts';
import { type Backend, startOnLinux } from './start.ts';

const VerdictSchema = v.object({ problem: v.optional(v.string()), landlock: v.number() });
/** What a backend is worth on this machine: `problem` says why it is not used. */
export type Verdict = v.InferOutput<typeof VerdictSchema>;

interface SelfTestOptions {
  readonly name: string;
  readonly backend: Backend;
  readonly self: readonly string[];
  /** `<cache>/toolhive` */
  readonly cacheFolder: string;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

/** What each of the kernel's ways to be set would be opened by. */
const SETTINGS =
  `/proc/sys/vm/stat_interval /proc/sys/kernel/core_pattern /proc/sys/kernel/modprobe /proc/sys/fs/binfmt_misc/register
  /proc/sysrq-trigger /proc/irq/default_smp_affinity /proc/bus/pci /proc/fs/nfsd /proc/acpi/wakeup /proc/scsi/scsi /proc/mtrr
  /proc/kcore /proc/kmsg /proc/timer_list /proc/latency_stats /proc/dynamic_debug/control /sys/kernel/uevent_helper
  /sys/fs/cgroup/cgroup.procs /sys/firmware/efi/vars /sys/power/state`.split(/\s+/);

/** Runs a probe in the sandbox, once for each boot and version of this program. */
export async function selfTest(options: SelfTestOptions): Promise<Verdict> {
  const file = join(options.cacheFolder, 'sandbox', `${options.name}.json`);
  const circumstances = circumstancesOf(options);
  const known = readVerdict(file, circumstances);
  if (known !== undefined) return known;
  const verdict = await tryOut(options);
  options.logger.debug('sandbox tried out', { sandbox: options.name, ...verdict });
  // A failure may be of the moment; what works keeps working until the machine changes.
  if (verdict.problem === undefined) {
    await writeFileAtomic(file, `${JSON.stringify({ circumstances, verdict })}\n`, { mode: 0o600 });
  }
  return verdict;
}

function circumstancesOf({ self, name }: SelfTestOptions): string {
  const { mtimeMs, size } = statSync(self[0] ?? '');
  const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  return [name, boot, release(), process.getuid?.(), self[0], size, mtimeMs].join(' ');
}

function readVerdict(file: string, circumstances: string): Verdict | undefined {
  try {
    const schema = v.object({ circumstances: v.literal(circumstances), verdict: VerdictSchema });
    return v.parse(schema, JSON.parse(readFileSync(file, 'utf8'))).verdict;
  } catch {
    return undefined; // never tried, or under other circumstances
  }
}

async function tryOut({ backend, self, signal }: SelfTestOptions): Promise<Verdict> {
  const folder = mkdtempSync(join(tmpdir(), 'thv-probe-'));
  const listener = createServer((socket) => socket.destroy());
  try {
    await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
    const address = listener.address();
    const bait: Bait = {
      file: join(folder, 'bait'),
      folders: ['/', '/usr', '/etc', '/proc', folder],
      settings: SETTINGS,
      port: typeof address === 'object' && address !== null ? address.port : 0,
    };
    writeFileSync(bait.file, 'not for you');
    mkdirSync(join(folder, 'process'));
    const probe = await startOnLinux(backend, self, {
      command: [PROGRAM, ...self.slice(1), '__sandbox', 'probe', JSON.stringify(bait)],
      env: {},
      folder: join(folder, 'process'),
      readOnlyPaths: [],
      mounts: [],
      network: { type: 'none' },
      logger: silentLogger,
      signal,
    });
    probe.stdin.end();
    const [stdout, stderr] = await Promise.all([
      new Response(probe.stdout).text(),
      new Response(probe.stderr).text(),
    ]);
    await probe.exited;
    const landlock = landlockVersion();
    const result = v.safeParse(v.object({ breaches: v.array(v.string()) }), parseJson(stdout));
    if (!result.success) return { problem: `the probe did not run: ${stderr.trim()}`, landlock };
    const { breaches } = result.output;
    return breaches.length === 0 ? { landlock } : { problem: breaches.join('; '), landlock };
  } catch (error) {
    if (signal.aborted) throw new ThvError('ERR_CANCELLED', { reason: 'cancelled' });
    return { problem: error instanceof Error ? error.message : String(error), landlock: 0 };
  } finally {
    listener.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // it said something else, or nothing
  }
}
