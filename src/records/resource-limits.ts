import { totalmem } from 'node:os';
import * as v from 'valibot';

/** What a server may use of this machine, as it is stored. Absent means the default, 0 and `unlimited` none. */
export const ResourceLimitsSchema = v.looseObject({
  memory: v.optional(
    v.pipe(
      v.string(),
      v.rawCheck(({ dataset, addIssue }) => {
        const problem = dataset.typed ? memoryProblem(dataset.value) : undefined;
        if (problem !== undefined) addIssue({ message: problem });
      }),
    ),
  ),
  cpus: v.optional(
    v.pipe(
      v.number(),
      v.check(
        (cpus) => cpus === 0 || (cpus >= LEAST_CPUS && cpus <= MOST_CPUS),
        ({ input }) =>
          `${input} cannot be a number of processors: it is between ${LEAST_CPUS} and ${MOST_CPUS}, or 0 for no limit`,
      ),
    ),
  ),
  pids: v.optional(
    v.pipe(
      v.number(),
      v.check(
        (pids) => Number.isInteger(pids) && pids >= 0 && pids <= MOST_PIDS,
        ({ input }) =>
          `${input} cannot be a number of processes: it is a whole number up to ${MOST_PIDS}, or 0 for no limit`,
      ),
    ),
  ),
});
export type ResourceLimits = v.InferOutput<typeof ResourceLimitsSchema>;

/** What holds: bytes, processors, and processes with their threads; `undefined` is no limit. */
export interface EffectiveLimits {
  readonly memoryBytes: number | undefined;
  readonly cpus: number | undefined;
  readonly pids: number | undefined;
}

const KIB = 1024;
const GIB = KIB ** 3;
const UNITS: Readonly<Record<string, number>> = { b: 1, k: KIB, m: KIB ** 2, g: GIB, t: KIB ** 4 };
/** What engines refuse to go below. */
const LEAST_MEMORY_BYTES = 6 * KIB ** 2;
const MOST_MEMORY_BYTES = 1024 * KIB ** 4;
const LEAST_CPUS = 0.01;
const MOST_CPUS = 4096;
const MOST_PIDS = 4_194_304;
const DEFAULT_MEMORY_BYTES = 4 * GIB;
/** Room for a browser with many pages: each of its processes has some twenty threads. */
const DEFAULT_PIDS = 2048;

/** Half of the machine, but no more than 4 GiB. */
export function effectiveLimits(
  limits: ResourceLimits | null | undefined,
  machineBytes = totalmem(),
): EffectiveLimits {
  const { memory, cpus, pids } = limits ?? {};
  const half = Math.floor(machineBytes / 2 / KIB ** 2) * KIB ** 2;
  const bytes =
    memory === undefined || memory === '' ? Math.min(half, DEFAULT_MEMORY_BYTES) : parseMemory(memory);
  return {
    memoryBytes: bytes || undefined,
    cpus: cpus || undefined,
    pids: (pids ?? DEFAULT_PIDS) || undefined,
  };
}

/** Bytes of `512m`, `1.5g`, `2GiB` or a plain number, as Docker reads them; 0 for none, `undefined` for what is no size. */
export function parseMemory(text: string): number | undefined {
  const lower = text.trim().toLowerCase();
  if (lower === 'unlimited' || lower === '-1') return 0;
  const [, number, unit = 'b'] = /^(\d+(?:\.\d+)?) ?(?:([bkmgt])(?:i?b)?)?$/.exec(lower) ?? [];
  return number === undefined ? undefined : Math.floor(Number(number) * (UNITS[unit] ?? 1));
}

/** Why a text cannot be a limit of memory; `undefined` when it can. */
function memoryProblem(text: string): string | undefined {
  const bytes = text === '' ? 0 : parseMemory(text);
  if (bytes === undefined)
    return `${JSON.stringify(text)} is no amount of memory: give a number with b, k, m or g, such as 512m or 2g, or unlimited`;
  if (bytes !== 0 && (bytes < LEAST_MEMORY_BYTES || bytes > MOST_MEMORY_BYTES))
    return `${text} cannot be a limit of memory: give between 6m and 1024t, or unlimited`;
  return undefined;
}

/** `512m`, `1536m`, `4g`, or bytes where nothing else is exact. */
export function formatMemory(bytes: number): string {
  for (const unit of ['t', 'g', 'm', 'k']) {
    const size = UNITS[unit] ?? 1;
    if (bytes >= size && bytes % size === 0) return `${bytes / size}${unit}`;
  }
  return String(bytes);
}
