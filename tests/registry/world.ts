import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger, type Paths, resolvePaths } from '../../src/platform/index.ts';
import { createRegistry, type Registry } from '../../src/registry/index.ts';

/** A home with a configuration, and the registry that it names. */
export interface World extends AsyncDisposable {
  readonly paths: Paths;
  readonly env: Readonly<Record<string, string>>;
  readonly folder: string;
  readonly logger: ReturnType<typeof createLogger>;
  /** Level and message of every log line so far, with its fields. */
  readonly log: readonly { readonly level: string; readonly msg: string }[];
  /** A new process's view of the registry. */
  open(): Registry;
  readonly cacheFolder: string;
  cacheFiles(): Promise<readonly string[]>;
  /** Makes the cached files look as if they had been written that long ago. */
  age(ms: number): Promise<void>;
}

export async function openWorld(config: Readonly<Record<string, unknown>> = {}): Promise<World> {
  const folder = await mkdtemp(join(tmpdir(), 'thv-registry-'));
  const env = {
    HOME: folder,
    XDG_CONFIG_HOME: join(folder, 'config'),
    XDG_CACHE_HOME: join(folder, 'cache'),
    XDG_DATA_HOME: join(folder, 'data'),
    XDG_STATE_HOME: join(folder, 'state'),
  };
  const paths = resolvePaths(env);
  await mkdir(paths.config, { recursive: true });
  await writeFile(join(paths.config, 'config.yaml'), JSON.stringify(config));
  const log: { level: string; msg: string }[] = [];
  const logger = createLogger({ level: 'DEBUG', write: (line) => log.push(JSON.parse(line)) });
  const cacheFolder = join(paths.cache, 'cache');
  const cacheFiles = () => readdir(cacheFolder).catch((): string[] => []);
  return {
    paths,
    env,
    folder,
    log,
    logger,
    cacheFolder,
    cacheFiles,
    open: () => createRegistry({ paths, env, logger, version: '1.2.3' }),
    async age(ms) {
      const time = new Date(Date.now() - ms);
      for (const name of await cacheFiles()) await utimes(join(cacheFolder, name), time, time);
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
  };
}
