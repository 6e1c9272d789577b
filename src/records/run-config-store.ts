import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { hasCode, ThvError } from '../errors/index.ts';
import { readTextFile, writeFileAtomic } from '../platform/index.ts';
import { createFileMemory } from './file-memory.ts';
import { formatRunConfig, parseRunConfig, type RunConfig } from './run-config.ts';
import type { WorkloadName } from './workload-name.ts';

/** `<state>/toolhive/runconfigs/<base>.json` (spec 02 §3.2). */
export interface RunConfigStore {
  /** `undefined` when there is none. Throws `ERR_RUN_CONFIG_INVALID`. */
  find(name: WorkloadName): Promise<RunConfig | undefined>;
  /** Throws `ERR_RUN_CONFIG_NOT_FOUND`. */
  get(name: WorkloadName): Promise<RunConfig>;
  save(name: WorkloadName, config: RunConfig): Promise<void>;
  /** Deleting what is not there succeeds. */
  delete(name: WorkloadName): Promise<void>;
  names(): Promise<readonly string[]>;
}

export function createRunConfigStore(stateFolder: string): RunConfigStore {
  const folder = join(stateFolder, 'runconfigs');
  const pathOf = (name: WorkloadName) => join(folder, `${name}.json`);

  const memory = createFileMemory<RunConfig>();

  const find = (name: WorkloadName) => memory.through(pathOf(name), () => read(name));

  async function read(name: WorkloadName): Promise<RunConfig | undefined> {
    const text = await readIfPresent(pathOf(name));
    if (text === undefined) return undefined;
    try {
      return parseRunConfig(text);
    } catch (error) {
      if (!hasCode(error, 'ERR_RUN_CONFIG_INVALID')) throw error;
      throw new ThvError(error.code, error.facts, {
        context: [`failed to read run config of workload '${name}'`],
        hint: `mend ${pathOf(name)}, or remove the workload with 'thv rm ${name}'`,
        cause: error.cause,
      });
    }
  }

  return {
    find,
    async get(name) {
      const config = await find(name);
      if (config === undefined) throw new ThvError('ERR_RUN_CONFIG_NOT_FOUND', { workload: name });
      return config;
    },
    async save(name, config) {
      await mkdir(folder, { recursive: true, mode: 0o750 });
      await writeFileAtomic(pathOf(name), formatRunConfig(config));
    },
    delete: (name) => rm(pathOf(name), { force: true }),
    names: () => listJsonNames(folder),
  };
}

/** Every entry of a store folder ending in `.json`, suffix removed; none when the folder does not exist. */
export async function listJsonNames(folder: string): Promise<readonly string[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    return entries
      .filter((entry) => !entry.isDirectory() && entry.name.endsWith('.json'))
      .map((entry) => entry.name.slice(0, -5));
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

export async function readIfPresent(path: string): Promise<string | undefined> {
  try {
    return await readTextFile(path);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT';
}
