import { join } from 'node:path';
import { Hono } from 'hono';
import * as v from 'valibot';
import { carry, hasCode, messageOf, toThvError } from '../errors/index.ts';
import {
  acquireLock,
  createBackground,
  createLogger,
  type Logger,
  type LogLevel,
  openRotatingFile,
  type Paths,
  sleep,
} from '../platform/index.ts';
import {
  createRunConfigStore,
  createStatusRecorder,
  createStatusStore,
  parseWorkloadName,
  runtimeAskedBy,
  type StatusRecord,
  type WorkloadName,
} from '../records/index.ts';
import type { Definition } from '../tool-lock/index.ts';
import { createUsageReporter, type UsageReporter } from '../usage/index.ts';
import { openControl } from './control-listener.ts';
import {
  type Hello,
  PROTOCOL,
  type RecordRequest,
  RecordRequestSchema,
  readControlBody,
  StartRequestSchema,
} from './control-protocol.ts';
import { createDesiredState } from './desired-state.ts';
import { type RunEnvironment, type RunOrigin, secretsOnly } from './environment.ts';
import { keepGuarded } from './guard.ts';
import { hostLock } from './host-client.ts';
import type { Observation } from './observed-status.ts';
import { startWorkloadRun, type WorkloadRun } from './workload-run.ts';

/** Ended by itself, or another host is here: the guard ends as well. */
const EXIT_DONE = 0;
/** The guard tries again. */
const EXIT_CANNOT_START = 75;

const IDLE_EXIT_MS = 60_000;
const SHUTDOWN_GRACE_MS = 10_000;
/** Time for server processes to end once their open calls are done. */
const SETTLE_MS = 6000;
const LAST_RECORDS_MS = 2000;
const RESUME_RETRY_MS = 5000;

interface HostOptions {
  readonly paths: Paths;
  readonly version: string;
  /** In the reference's words: `linux/amd64`. */
  readonly platform: string;
  readonly builtAt: string;
  readonly logLevel: LogLevel;
  /** Aborted by SIGTERM and SIGINT: leave the containers running and end. */
  readonly signal: AbortSignal;
}

/**
 * The workload host (decision 02): runs any number of workloads, is told what to do over its control socket, takes up again
 * what is meant to run after a crash, and ends by itself when nothing is left to do. Resolves with the exit code.
 */
export async function runHost(options: HostOptions): Promise<number> {
  const { paths } = options;
  const logFile = openRotatingFile(join(paths.data, 'logs', 'thv-host.log'));
  const logger = createLogger({ level: options.logLevel, write: logFile.append });
  try {
    // A host that hands over closes its socket first and lets go of the lock last.
    using lock = await acquireLock(hostLock(paths), { timeoutMs: SHUTDOWN_GRACE_MS });
    return await serveHost(options, lock, logger);
  } catch (error) {
    if (hasCode(error, 'ERR_LOCK_TIMEOUT')) {
      logger.info('another workload host serves this state folder', { state: paths.state });
      return EXIT_DONE;
    }
    logger.error('workload host failed', { error: toThvError(error) });
    return EXIT_CANNOT_START;
  }
}

async function serveHost(options: HostOptions, lock: Disposable, logger: Logger): Promise<number> {
  const { paths, signal } = options;
  // Disposed of last: it tells of the calls that finished while we ended.
  await using usage = createUsageReporter({ ...options, logger });
  const runs = createRuns(options, usage, logger);
  const { promise: done, resolve: finish } = Promise.withResolvers<void>();
  const hello: Hello = {
    program: 'thv',
    protocol: PROTOCOL,
    version: options.version,
    builtAt: options.builtAt,
    processId: process.pid,
    stateFolder: paths.state,
  };
  const control = await openControl(paths, controlApp(hello, runs, finish, logger), logger);
  logger.info('workload host is ready', {
    address: control.address,
    processId: process.pid,
    version: options.version,
  });
  using guarded = keepGuarded({
    paths,
    flags: options.logLevel === 'DEBUG' ? ['--debug'] : [],
    env: process.env,
    secrets: runs.secretVariables,
    logger,
  });
  const watch = setInterval(() => {
    if (runs.idleMs() >= IDLE_EXIT_MS) finish();
  }, 1000);
  signal.addEventListener('abort', () => finish(), { once: true });
  if (signal.aborted) finish();
  await resume(runs, done, logger);
  await done;
  clearInterval(watch);
  guarded[Symbol.dispose]();
  logger.info('workload host ends', { workloads: runs.count() });
  // The ports are closed at once and the lock is let go, so that a successor can serve while our last calls finish.
  const ended = runs.endAll(SHUTDOWN_GRACE_MS);
  await control.stop();
  lock[Symbol.dispose]();
  await ended;
  return EXIT_DONE;
}

/** Takes up what is meant to run; a folder that cannot be read does not keep the host from serving what it is told to. */
async function resume(runs: Runs, done: Promise<void>, logger: Logger): Promise<void> {
  let hasEnded = false;
  void done.then(() => {
    hasEnded = true;
  });
  while (!hasEnded) {
    try {
      return await runs.resumeAll();
    } catch (error) {
      logger.error('what is meant to run cannot be read, trying again', { error });
      await Promise.race([done, Bun.sleep(RESUME_RETRY_MS)]);
    }
  }
}

export interface Runs {
  start(name: WorkloadName, origin: RunOrigin): Promise<void>;
  end(name: WorkloadName): Promise<boolean>;
  /** All tools of a workload's server; `undefined` when it is not being run. */
  tools(name: WorkloadName): Promise<readonly Definition[]> | undefined;
  /** Writes down what a command did and could not. */
  record(name: WorkloadName, request: RecordRequest): void;
  resumeAll(): Promise<void>;
  endAll(graceMs: number): Promise<void>;
  /** Secret variables of all runs, which a successor cannot find on disk. */
  secretVariables(): RunEnvironment;
  count(): number;
  /** What is known of each. */
  observed(): Readonly<Record<string, Observation>>;
  /** How long there has been nothing to run and nothing to record. */
  idleMs(): number;
}

function createRuns({ paths, logLevel }: HostOptions, usage: UsageReporter, logger: Logger): Runs {
  const active = new Map<WorkloadName, WorkloadRun>();
  const environments = new Map<WorkloadName, RunEnvironment>();
  const runConfigs = createRunConfigStore(paths.state);
  const statuses = createStatusStore(paths.data, logger);
  const recorder = createStatusRecorder(statuses, logger);
  const desired = createDesiredState(paths.state, logger);
  const background = createBackground(logger);
  let idleSince = performance.now();

  function launch(name: WorkloadName, origin: RunOrigin): void {
    const log = openRotatingFile(join(paths.data, 'logs', `${name}.log`));
    const run = startWorkloadRun(
      name,
      {
        runConfigs,
        statuses,
        recorder,
        paths,
        env: {},
        usage,
        logger: createLogger({ level: logLevel, write: log.append }),
        writeOut: log.append,
      },
      origin,
    );
    active.set(name, run);
    environments.set(name, origin.environment);
    background.run(`workload ${name}`, async () => {
      const end = await run.finished;
      if (active.get(name) === run) {
        active.delete(name);
        environments.delete(name);
      }
      if (active.size === 0) idleSince = performance.now();
      log[Symbol.dispose]();
      if (end.type !== 'ended') await desired.remove(name);
    });
  }

  async function end(name: WorkloadName, graceMs: number): Promise<boolean> {
    const run = active.get(name);
    if (run === undefined) return false;
    await run.end(graceMs);
    return true;
  }

  return {
    async start(name, origin) {
      if (active.has(name)) return;
      await desired.add(name, origin);
      recorder.drop(name);
      if (!active.has(name)) launch(name, origin);
    },
    async end(name) {
      // First, or a crash in between would bring it back.
      await desired.end(name).catch((error: unknown) => {
        logger.warn('failed to note that a workload was told to end', { workload: name, error });
      });
      const wasRunning = await end(name, 0);
      // The command that asked for the end records the outcome.
      recorder.drop(name);
      return wasRunning;
    },
    tools: (name) => active.get(name)?.listTools(),
    record(name, { status, context, updatedAt }) {
      // The command that asked for it does not wait for it: it has tried itself.
      if (active.has(name)) return;
      const when =
        updatedAt === undefined ? undefined : (filed: StatusRecord) => filed.updated_at === updatedAt;
      if (status === undefined) void recorder.delete(name, when);
      else void recorder.record(name, { status, context: context ?? '', when });
    },
    async resumeAll() {
      for (const [name, origin] of await desired.list(process.env))
        if (!active.has(name)) launch(name, origin);
    },
    async endAll(graceMs) {
      const ended = Promise.all([...active.keys()].map((name) => end(name, graceMs)));
      // Do not wait longer for a slow engine: the next host sees what became of the container.
      await Promise.race([ended, sleep(graceMs + SETTLE_MS)]);
      await background.drain(LAST_RECORDS_MS);
      await recorder[Symbol.asyncDispose]();
    },
    secretVariables: () => Object.assign({}, ...[...environments.values()].map(secretsOnly)),
    count: () => active.size,
    observed: () => Object.fromEntries([...active].map(([name, run]) => [name, run.observed()])),
    idleMs: () => (active.size > 0 || recorder.waiting() > 0 ? 0 : performance.now() - idleSince),
  };
}

/** What commands may ask for over the control socket. An error answers with all that is known of it. */
export function controlApp(hello: Hello, runs: Runs, finish: () => void, logger: Logger): Hono {
  const app = new Hono();
  app.get('/hello', (c) => c.json({ ...hello, workloads: runs.observed() }));
  app.post('/workloads/:name/start', async (c) => {
    const name = parseWorkloadName(c.req.param('name'));
    const { environment, runtime = runtimeAskedBy(environment) } = await readControlBody(
      c.req.raw,
      StartRequestSchema,
    );
    await runs.start(name, { environment, runtime });
    return c.json({});
  });
  app.post('/workloads/:name/end', async (c) => {
    const wasRunning = await runs.end(parseWorkloadName(c.req.param('name')));
    return c.json({}, wasRunning ? 200 : 404);
  });
  app.get('/workloads/:name/tools', async (c) => {
    const tools = await runs.tools(parseWorkloadName(c.req.param('name')));
    return tools === undefined ? c.json({}, 404) : c.json({ tools });
  });
  app.post('/workloads/:name/record', async (c) => {
    const name = parseWorkloadName(c.req.param('name'));
    runs.record(name, await readControlBody(c.req.raw, RecordRequestSchema));
    return c.json({});
  });
  app.post('/hand-over', (c) => {
    // The answer must leave before the socket closes.
    setTimeout(finish, 10);
    return c.json({ environment: runs.secretVariables() });
  });
  app.onError((error, c) => {
    logger.error('control request failed', { path: c.req.path, error });
    return c.json({ error: messageOf(error), thrown: carry(error) }, statusOf(error));
  });
  return app;
}

function statusOf(error: unknown): 400 | 408 | 413 | 500 {
  if (hasCode(error, 'ERR_BODY_LATE')) return 408;
  if (hasCode(error, 'ERR_BODY_TOO_LARGE')) return 413;
  return error instanceof v.ValiError ? 400 : 500;
}
