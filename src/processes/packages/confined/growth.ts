import { lstat, opendir } from 'node:fs/promises';
import { join } from 'node:path';
import { removeTreeSync, sleep } from '../../../platform/index.ts';
import type { InstallLimits } from './limits.ts';

/** A folder that an installer writes to. */
export interface WritablePlace {
  readonly path: string;
  /** A cache that has contents already: what is in it down to this depth is not counted again. */
  readonly cacheDepth?: number;
}

/** Watches the size of places, because an ordinary user cannot set a quota of the operating system. */
export interface GrowthWatch {
  /** Looks again and again until `signal` aborts; gives the limit that a place has passed. */
  watch(signal: AbortSignal): Promise<keyof InstallLimits | undefined>;
  /** Looks once: what was written since the last look counts too. */
  look(): Promise<keyof InstallLimits | undefined>;
  /** Removes what has come into caches since the beginning. */
  clearCaches(): Promise<void>;
}

const SHORTEST_PAUSE_MS = 200;
/** A look at a large tree takes its time; so much longer is the pause before the next. */
const PAUSE_FACTOR = 4;

/** Begins with what is in the places now. */
export async function openGrowthWatch(
  places: readonly WritablePlace[],
  limits: InstallLimits,
): Promise<GrowthWatch> {
  const watched = await Promise.all(
    places.map(async ({ path, cacheDepth = 0 }) => {
      const contents: Contents = { counted: new Set(), seen: new Set() };
      await list(path, cacheDepth, contents);
      return { path, depth: cacheDepth, ...contents };
    }),
  );
  const look = async (signal?: AbortSignal) => {
    for (const { path, counted } of watched) {
      const exceeded = await measure(path, counted, limits, signal);
      if (exceeded !== undefined) return exceeded;
    }
    return undefined;
  };
  return {
    look,
    async watch(signal) {
      while (!signal.aborted) {
        const before = performance.now();
        const exceeded = await look(signal);
        if (exceeded !== undefined) return exceeded;
        await sleep(SHORTEST_PAUSE_MS + PAUSE_FACTOR * (performance.now() - before), signal);
      }
      return undefined;
    },
    async clearCaches() {
      for (const { path, depth, seen } of watched) await clear(path, depth, seen);
    },
  };
}

/** The limit that a tree passes now, counted by the sizes that its files claim to have. */
async function measure(
  path: string,
  counted: ReadonlySet<string>,
  limits: InstallLimits,
  signal: AbortSignal | undefined,
): Promise<keyof InstallLimits | undefined> {
  let sizeBytes = 0;
  let files = 0;
  const left = [path];
  for (let folder = left.pop(); folder !== undefined && signal?.aborted !== true; folder = left.pop()) {
    for await (const entry of entriesOf(folder)) {
      const inside = join(folder, entry.name);
      if (counted.has(inside)) continue;
      if (entry.isDirectory()) left.push(inside);
      else sizeBytes += (await lstat(inside).catch(() => undefined))?.size ?? 0;
      if (++files > limits.files) return 'files';
      if (sizeBytes > limits.sizeBytes) return 'sizeBytes';
    }
  }
  return undefined;
}

/** What a cache holds from the beginning. */
interface Contents {
  /** Not counted again, and not looked into. */
  readonly counted: Set<string>;
  /** All of it, down to the same depth. */
  readonly seen: Set<string>;
}

async function list(folder: string, depth: number, contents: Contents): Promise<void> {
  if (depth === 0) return;
  for await (const entry of entriesOf(folder)) {
    const inside = join(folder, entry.name);
    contents.seen.add(inside);
    if (depth === 1 || !entry.isDirectory()) contents.counted.add(inside);
    else await list(inside, depth - 1, contents);
  }
}

/** Removes what is new as a whole: of a package that a tool finds in its cache, nothing may be missing. */
async function clear(folder: string, depth: number, seen: ReadonlySet<string>): Promise<void> {
  if (depth === 0) return;
  for await (const entry of entriesOf(folder)) {
    const inside = join(folder, entry.name);
    if (!seen.has(inside)) removeTreeSync(inside);
    else if (entry.isDirectory()) await clear(inside, depth - 1, seen);
  }
}

/** Nothing where it is gone in the meantime, or may not be looked at. */
async function* entriesOf(folder: string) {
  try {
    yield* await opendir(folder);
  } catch {
    // the installer has moved or removed it
  }
}
