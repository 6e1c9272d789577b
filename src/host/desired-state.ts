import { existsSync, statSync } from 'node:fs';
import { mkdir, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { type Logger, writeFileAtomic } from '../platform/index.ts';
import {
  listJsonNames,
  parseWorkloadName,
  readIfPresent,
  runtimeAskedBy,
  type WorkloadName,
} from '../records/index.ts';
import { type RunOrigin, runEnvironmentFrom, secretsOnly, withoutSecrets } from './environment.ts';

/**
 * What is meant to run in the shared host, kept apart from what was observed and never in the reference's formats
 * (decision 02): `<state>/toolhive/host/desired/<base>.json`, owner-only. What was told to end is moved to
 * `host/ended/`, because moving a file takes no room: on a full disk it is the one note of a stop that can be made.
 */
export interface DesiredState {
  /** Secret variables are not written. Takes no room when the workload was told to end and its environment is the same. */
  add(name: WorkloadName, origin: RunOrigin): Promise<void>;
  has(name: WorkloadName): Promise<boolean>;
  /** Notes that the workload was told to end, in whatever process it ran. */
  end(name: WorkloadName): Promise<void>;
  /** When it was last told to end (ms); `undefined` when it was not, since it was last meant to run. */
  endedAt(name: WorkloadName): number | undefined;
  /** Forgets the workload: it is neither meant to run nor told to end. */
  remove(name: WorkloadName): Promise<void>;
  /** Secret variables are those of `env`, and all of them where a record cannot be read. */
  list(env: Readonly<Record<string, string | undefined>>): Promise<ReadonlyMap<WorkloadName, RunOrigin>>;
}

const DesiredSchema = v.looseObject({
  environment: v.record(v.string(), v.string()),
  /** A record of an older version says it among the variables. */
  runtime: v.optional(v.string()),
});

/** Holds a file for each workload that is meant to run, and nothing else. */
export function desiredFolder(stateFolder: string): string {
  return join(stateFolder, 'host', 'desired');
}

export function createDesiredState(stateFolder: string, logger: Logger): DesiredState {
  const desired = desiredFolder(stateFolder);
  const ended = join(stateFolder, 'host', 'ended');
  const pathIn = (folder: string, name: WorkloadName) => join(folder, `${name}.json`);

  async function move(name: WorkloadName, from: string, to: string): Promise<boolean> {
    if (!existsSync(pathIn(from, name))) return false;
    await mkdir(to, { recursive: true, mode: 0o700 });
    await rename(pathIn(from, name), pathIn(to, name));
    return true;
  }

  return {
    async add(name, { environment, runtime }) {
      const text = `${JSON.stringify({ environment: withoutSecrets(environment), runtime })}\n`;
      const known = await readIfPresent(pathIn(ended, name)).catch(() => undefined); // rewritten below
      if (known === text && (await move(name, ended, desired))) return;
      await writeFileAtomic(pathIn(desired, name), text, { directoryMode: 0o700 });
      await rm(pathIn(ended, name), { force: true });
    },
    async end(name) {
      try {
        if (!(await move(name, desired, ended)) && !existsSync(pathIn(ended, name))) {
          await mkdir(ended, { recursive: true, mode: 0o700 });
          // An empty file takes no room either.
          await writeFile(pathIn(ended, name), '', { flag: 'a', mode: 0o600 });
        }
        const now = new Date();
        await utimes(pathIn(ended, name), now, now);
      } catch {
        // Without a folder to move it to: that it must not come back is what matters.
        await rm(pathIn(desired, name), { force: true });
      }
    },
    endedAt: (name) => statSync(pathIn(ended, name), { throwIfNoEntry: false })?.mtimeMs,
    async remove(name) {
      await rm(pathIn(desired, name), { force: true });
      await rm(pathIn(ended, name), { force: true });
    },
    has: async (name) => existsSync(pathIn(desired, name)),
    async list(env) {
      const found = new Map<WorkloadName, RunOrigin>();
      for (const entry of await listJsonNames(desired)) {
        let name: WorkloadName;
        try {
          name = parseWorkloadName(entry);
        } catch (error) {
          logger.warn('skipping a file that is no record of a workload', { workload: entry, error });
          continue;
        }
        try {
          const text = await readIfPresent(pathIn(desired, name));
          if (text === undefined) continue;
          const { environment, runtime = runtimeAskedBy(environment) } = v.parse(
            DesiredSchema,
            JSON.parse(text),
          );
          found.set(name, { environment: { ...secretsOnly(env), ...environment }, runtime });
        } catch (error) {
          // The file name says which workload is meant to run; only the environment of its shell is lost.
          logger.warn('record of what is meant to run cannot be read, using the environment of the host', {
            workload: entry,
            error,
          });
          found.set(name, { environment: runEnvironmentFrom(env), runtime: runtimeAskedBy(env) });
        }
      }
      return found;
    },
  };
}
