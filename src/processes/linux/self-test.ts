import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { release, tmpdir } from 'node:os';
import { join } from 'node:path';
import * as v from 'valibot';
import { ThvError } from '../../errors/index.ts';
import { addressesOfMachine } from '../../net/index.ts';
import { type Logger, silentLogger, writeFileAtomic } from '../../platform/index.ts';
import { LARGEST, PROGRAM } from '../filesystem-view.ts';
import type { NetworkAccess } from '../network-access.ts';
import { landlockVersion } from './landlock.ts';
import type { NamespaceMaker } from './namespace-maker.ts';
import type { Bait } from './probe.ts';
import { startOnLinux } from './start.ts';

const VerdictSchema = v.object({
  problem: v.optional(v.string()),
  landlock: v.number(),
  weaknesses: v.optional(v.array(v.string())),
});
/** What a maker of namespaces is worth on this machine: `problem` says why it is not used. */
export type Verdict = v.InferOutput<typeof VerdictSchema>;

interface SelfTestOptions {
  readonly name: string;
  readonly maker: NamespaceMaker;
  /** What the probe is given to get out by; nothing unless given. */
  readonly network?: NetworkAccess;
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

const RETRY_MS = 10 * 60_000;

/** Runs a probe in the sandbox, once for each boot and version of this program. */
export async function selfTest(options: SelfTestOptions): Promise<Verdict> {
  const file = join(options.cacheFolder, 'sandbox', `${options.name}.json`);
  const circumstances = circumstancesOf(options);
  const known = readVerdict(file, circumstances);
  if (known !== undefined && (known.problem === undefined || isRecent(file))) return known;
  const verdict = await tryOut(options);
  options.logger.debug('sandbox tried out', { sandbox: options.name, ...verdict });
  // A failure may be of the moment; what works keeps working until the machine changes.
  if (verdict.problem === undefined || options.network !== undefined) {
    await writeFileAtomic(file, `${JSON.stringify({ circumstances, verdict })}\n`, { mode: 0o600 });
  }
  return verdict;
}

/** Whether a failed verdict about a network still holds. Servers run without it, so it is retried after a while, not at each start. */
function isRecent(file: string): boolean {
  return Date.now() - statSync(file).mtimeMs < RETRY_MS;
}

function circumstancesOf({ self, name, maker }: SelfTestOptions): string {
  const stamps = [self[0] ?? '', ...(maker.pasta === undefined ? [] : [maker.pasta])].map((path) =>
    statSync(path),
  );
  const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  return [
    name,
    boot,
    release(),
    process.getuid?.(),
    self[0],
    ...stamps.flatMap(({ size, mtimeMs }) => [size, mtimeMs]),
  ].join(' ');
}

function readVerdict(file: string, circumstances: string): Verdict | undefined {
  try {
    const schema = v.object({ circumstances: v.literal(circumstances), verdict: VerdictSchema });
    return v.parse(schema, JSON.parse(readFileSync(file, 'utf8'))).verdict;
  } catch {
    return undefined; // never tried, or under other circumstances
  }
}

async function tryOut({
  maker,
  self,
  signal,
  network = { type: 'none' },
}: SelfTestOptions): Promise<Verdict> {
  const folder = mkdtempSync(join(tmpdir(), 'thv-probe-'));
  await using service = await openService();
  try {
    const bait: Bait = {
      file: join(folder, 'bait'),
      folders: ['/', '/usr', '/etc', '/proc', '/dev', folder],
      settings: SETTINGS,
      ...service.place,
      isOpen: network.type === 'open',
      sizes: LARGEST,
    };
    writeFileSync(bait.file, 'not for you');
    mkdirSync(join(folder, 'process'));
    const probe = await startOnLinux(maker, self, {
      command: [PROGRAM, ...self.slice(1), '__sandbox', 'probe', JSON.stringify(bait)],
      env: {},
      folder: join(folder, 'process'),
      readOnlyPaths: [],
      mounts: [],
      network,
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
    const result = v.safeParse(ResultSchema, parseJson(stdout));
    if (!result.success) return { problem: `the probe did not run: ${stderr.trim()}`, landlock };
    const { breaches, weaknesses } = result.output;
    return breaches.length === 0 ? { landlock, weaknesses } : { problem: breaches.join('; '), landlock };
  } catch (error) {
    if (signal.aborted) throw new ThvError('ERR_CANCELLED', { reason: 'cancelled' });
    return { problem: error instanceof Error ? error.message : String(error), landlock: 0 };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const ResultSchema = v.object({ breaches: v.array(v.string()), weaknesses: v.array(v.string()) });

/** A service of this machine, at all of its addresses and as an abstract socket, that closes whatever reaches it. */
async function openService() {
  const place = {
    port: 0,
    addresses: ['127.0.0.1', '::1', ...addressesOfMachine()],
    abstract: `thv-probe-${process.pid}-${crypto.randomUUID()}`,
  };
  const listeners: Server[] = [];
  const listen = (to: object) => {
    const listener = createServer((socket) => socket.destroy());
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    listener.on('error', reject).listen(to, resolve);
    listeners.push(listener);
    return promise.then(() => listener.address());
  };
  // Where there is no IPv6, what there is.
  const address = await listen({ port: 0, host: '::' }).catch(() => listen({ port: 0, host: '0.0.0.0' }));
  await listen({ path: `\0${place.abstract}` });
  return {
    place: { ...place, port: typeof address === 'object' && address !== null ? address.port : 0 },
    async [Symbol.asyncDispose]() {
      for (const listener of listeners) listener.close();
    },
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // it said something else, or nothing
  }
}
