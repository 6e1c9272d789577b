import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { ThvError } from '../../../errors/index.ts';
import type { Logger } from '../../../platform/index.ts';
import { PROGRAM, RUNTIME } from '../../filesystem-view.ts';
import type { NetworkAccess } from '../../network-access.ts';
import type { Sandbox, SandboxedProcess } from '../../types.ts';
import type { InstallOptions } from '../types.ts';
import { type GrowthWatch, openGrowthWatch, type WritablePlace } from './growth.ts';
import { type InstallLimits, installLimits, tooLarge } from './limits.ts';
import { openScratch, type Scratch } from './scratch.ts';
import { collectWords } from './words.ts';

/** One run of an installer or build tool, and all that it may see, write and reach. */
export interface ToolRun {
  /** What is installed, for errors. */
  readonly request: string;
  readonly call: (place: Place) => Call;
  readonly cwd: string;
  /** Files of its home folder, by name. */
  readonly home?: Readonly<Record<string, string>>;
  /** Files in the folder `settings`, by name. */
  readonly settings?: Readonly<Record<string, string>>;
  readonly readOnlyPaths?: readonly string[];
  /** What `node` is inside, as in `ProcessSpec`. */
  readonly node?: string;
  /** What it may write to, beside its home and temporary folder; watched for their size. */
  readonly writable: readonly WritablePlace[];
  /** Whom it may connect to; nobody when there are none. */
  readonly reach: Reach;
}

/** Where the files are that were made for a run. */
type Place = Pick<Scratch, 'settings' | 'temporary'>;

interface Call {
  /** Program and arguments; `RUNTIME` is this program as the package manager. */
  readonly command: readonly string[];
  /** All of its environment, beside what every process in a sandbox has. */
  readonly env: Readonly<Record<string, string>>;
}

/** Hosts that a tool may connect to, by name. */
export interface Reach {
  /** A host in full, or `*.example.com` for a domain that must not lead to private networks. */
  readonly hosts: readonly string[];
  readonly ports: readonly number[];
  /** The machine's own proxy for a URL. */
  readonly through: (url: URL) => string | undefined;
  /** The same for a tool that is not confined. */
  readonly proxies: Readonly<Record<string, string>>;
}

export interface ToolResult {
  readonly exitCode: number;
  readonly stdout: string;
  /** What it said last, for an error. */
  readonly lastWords: string;
  /** Hosts that it wanted to reach and must not, with their ports. */
  readonly denied: readonly string[];
}

const TIMEOUT_MS = 10 * 60_000;
const PROCESS_LIMITS = { processes: 2048, openFiles: 65_536 } as const;
const BLOCK_BYTES = 512;
/** So much larger than the whole may be can a single file become between two looks. */
const FILE_SLACK_BYTES = 1024 ** 3;

/**
 * Runs a tool to its end in the sandbox that servers run in. Throws `ERR_CANCELLED` when the signal aborts, `ERR_TIMEOUT` after ten
 * minutes, and `ERR_PACKAGE_INSTALL` when it writes more than an installation may.
 */
export async function runTool(run: ToolRun, options: InstallOptions): Promise<ToolResult> {
  const { cacheFolder, signal } = options;
  const limits = installLimits(options.env);
  throwIfCancelled(signal);
  using scratch = openScratch(cacheFolder, run.home ?? {}, run.settings ?? {});
  const denied = new Set<string>();
  const places = [...run.writable, { path: scratch.process }, { path: scratch.temporary }];
  const growth = await openGrowthWatch(places, limits);
  const running = await start(run, scratch, limits, denied, options);
  const { exceeded, ...result } = await follow(running, run.request, growth, signal);
  const isCut = result.exitCode !== 0 && /\bEFBIG\b|File too large/i.test(result.lastWords);
  const limit = exceeded ?? (isCut ? 'sizeBytes' : undefined);
  if (limit === undefined) return { ...result, denied: [...denied] };
  await growth.clearCaches();
  throw tooLarge(run.request, limits, limit);
}

/** Waits for the end of a tool, or ends it. Throws `ERR_CANCELLED` and `ERR_TIMEOUT`. */
async function follow(
  running: SandboxedProcess,
  request: string,
  growth: GrowthWatch,
  signal: AbortSignal,
): Promise<Omit<ToolResult, 'denied'> & { readonly exceeded: keyof InstallLimits | undefined }> {
  const ended = new AbortController();
  let cause: 'cancelled' | 'timeout' | keyof InstallLimits | undefined;
  const stop = (why: NonNullable<typeof cause>) => {
    cause ??= why;
    void running.stop(0);
  };
  const onAbort = () => stop('cancelled');
  const timer = setTimeout(() => stop('timeout'), TIMEOUT_MS);
  signal.addEventListener('abort', onAbort);
  if (signal.aborted) onAbort();
  const watched = growth.watch(ended.signal).then((exceeded) => exceeded && stop(exceeded));
  try {
    // Its end is what a tool may wait for that wants to ask something.
    await Promise.resolve(running.stdin.end()).catch(() => undefined);
    const [stdout, stderr, { exitCode }] = await Promise.all([
      collectWords(running.stdout),
      collectWords(running.stderr),
      running.exited,
    ]);
    ended.abort();
    await watched;
    if (cause === 'cancelled') throw cancelled();
    if (cause === 'timeout') {
      const reason = `installing ${request} did not finish within ${TIMEOUT_MS / 1000} s`;
      throw new ThvError('ERR_TIMEOUT', { reason });
    }
    const lastWords = stderr.tail === '' ? stdout.tail : stderr.tail;
    return {
      exitCode: exitCode ?? 1,
      stdout: stdout.head,
      lastWords,
      exceeded: cause ?? (await growth.look()),
    };
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
    ended.abort();
    await running.stop(0);
    await watched;
  }
}

async function start(
  run: ToolRun,
  scratch: Scratch,
  limits: InstallLimits,
  denied: Set<string>,
  { sandbox, self, logger, signal }: InstallOptions,
): Promise<SandboxedProcess> {
  const writable = [...run.writable.map(({ path }) => path), scratch.temporary];
  for (const path of writable) mkdirSync(path, { recursive: true, mode: 0o700 });
  const { command, env } = run.call(scratch);
  const isConfined = sandbox.kind !== 'none';
  try {
    return await sandbox.start({
      command: limited(withRuntime(command, sandbox, self), limits, isConfined),
      cwd: run.cwd,
      env: {
        ...(isConfined ? {} : run.reach.proxies),
        ...(process.platform === 'win32' ? { USERPROFILE: join(scratch.process, 'work') } : {}),
        TMPDIR: scratch.temporary,
        ...env,
      },
      folder: scratch.process,
      node: run.node,
      readOnlyPaths: [scratch.settings, ...(run.readOnlyPaths ?? [])],
      mounts: writable.map((path) => ({ source: path, target: path, readOnly: false })),
      network: networkOf(run.reach),
      limits: PROCESS_LIMITS,
      logger: noting(denied, logger),
      signal,
    });
  } catch (error) {
    throwIfCancelled(signal);
    throw error;
  }
}

const NOT_ITS_REGISTRIES = 'not one of the hosts that this installation may reach';

function networkOf({ hosts, ports, through }: Reach): NetworkAccess {
  if (hosts.length === 0) return { type: 'none' };
  return { type: 'filtered', rules: { hosts, ports }, through, refusal: NOT_ITS_REGISTRIES };
}

/** On Linux the view has the executable at a place of its own; behind a shell its name alone would not be found. */
function withRuntime(
  [program = '', ...args]: readonly string[],
  { kind }: Sandbox,
  self: readonly string[],
): readonly string[] {
  if (program !== RUNTIME) return [program, ...args];
  const hasView = kind === 'bubblewrap' || kind === 'namespaces';
  return [hasView ? PROGRAM : (self[0] ?? ''), ...args];
}

/**
 * What is written faster than anybody looks is bounded file by file. A registry on this machine is reached through the egress proxy like all others,
 * for inside the sandbox `localhost` is another.
 */
function limited(
  command: readonly string[],
  { sizeBytes }: InstallLimits,
  isConfined: boolean,
): readonly string[] {
  if (process.platform === 'win32') return command;
  const direct = isConfined ? 'unset NO_PROXY no_proxy; ' : '';
  const blocks = Math.ceil((sizeBytes + FILE_SLACK_BYTES) / BLOCK_BYTES);
  // Tried in a subshell first: a limit that is lower already cannot be raised, and some shells exit over that.
  const limit = `(ulimit -f ${blocks}) 2>/dev/null && ulimit -f ${blocks}; `;
  return ['/bin/sh', '-c', `${limit}${direct}exec "$@"`, 'thv', ...command];
}

/** Denied connections become part of the result, and of its error. */
function noting(denied: Set<string>, logger: Logger): Logger {
  return {
    ...logger,
    warn(message, fields) {
      const { host, port } = fields ?? {};
      if (typeof host === 'string') denied.add(`${host}:${port}`);
      logger.debug(message, fields);
    },
  };
}

function throwIfCancelled(signal: AbortSignal): void {
  if (signal.aborted) throw cancelled();
}

function cancelled(): ThvError {
  return new ThvError('ERR_CANCELLED', { reason: 'cancelled' });
}
