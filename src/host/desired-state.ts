import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { type Logger, writeFileAtomic } from '../platform/index.ts';
import { listJsonNames, parseWorkloadName, readIfPresent, type WorkloadName } from '../records/index.ts';
import { type RunEnvironment, secretsOnly, withoutSecrets } from './environment.ts';

/**
 * What is meant to run in the shared host, kept apart from what was observed and never in the reference's formats
 * (DESIGN "Settled questions"): `<state>/toolhive/host/desired/<base>.json`, owner-only.
 */
export interface DesiredState {
  /** Secret variables are not written. */
  add(name: WorkloadName, environment: RunEnvironment): Promise<void>;
  has(name: WorkloadName): Promise<boolean>;
  remove(name: WorkloadName): Promise<void>;
  /** Secret variables are those of `env`. */
  list(env: Readonly<Record<string, string | undefined>>): Promise<ReadonlyMap<WorkloadName, RunEnvironment>>;
}

const DesiredSchema = v.looseObject({ environment: v.record(v.string(), v.string()) });

export function createDesiredState(stateFolder: string, logger: Logger): DesiredState {
  const folder = join(stateFolder, 'host', 'desired');
  const pathOf = (name: WorkloadName) => join(folder, `${name}.json`);
  return {
    async add(name, environment) {
      await writeFileAtomic(
        pathOf(name),
        `${JSON.stringify({ environment: withoutSecrets(environment) })}\n`,
        { directoryMode: 0o700 },
      );
    },
    has: (name) => Bun.file(pathOf(name)).exists(),
    remove: (name) => rm(pathOf(name), { force: true }),
    async list(env) {
      const found = new Map<WorkloadName, RunEnvironment>();
      for (const entry of await listJsonNames(folder)) {
        try {
          const name = parseWorkloadName(entry);
          const text = await readIfPresent(pathOf(name));
          if (text === undefined) continue;
          const { environment } = v.parse(DesiredSchema, JSON.parse(text));
          found.set(name, { ...secretsOnly(env), ...environment });
        } catch (error) {
          logger.warn('skipping unreadable record of what is meant to run', { workload: entry, error });
        }
      }
      return found;
    },
  };
}
