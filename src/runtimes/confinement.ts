import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import type { Paths } from '../platform/index.ts';
import type { InstalledPackage, SandboxedProcess } from '../processes/index.ts';
import { type EffectiveLimits, formatMemory, type WorkloadName } from '../records/index.ts';
import { processFolder } from './process/process-files.ts';

const LimitSchema = v.object({ limit: v.union([v.string(), v.number()]), held_by: v.string() });
const ConfinementSchema = v.object({
  limits: v.object({
    memory: v.optional(LimitSchema),
    cpus: v.optional(LimitSchema),
    pids: v.optional(LimitSchema),
  }),
  weaknesses: v.array(v.string()),
  js_runtime: v.optional(
    v.object({
      name: v.string(),
      version: v.string(),
      /** Path of the program, when it is Node. */
      path: v.optional(v.string()),
      reason: v.string(),
    }),
  ),
  /** Packages whose install scripts were not run. */
  held_back: v.optional(v.array(v.string())),
});
/** What holds a server that is a process, where its sandbox is weaker than a container, and what runs it. */
export type Confinement = v.InferOutput<typeof ConfinementSchema>;

const UNHELD = 'nothing';

export function confinementOf(
  held: SandboxedProcess['held'],
  { memoryBytes, cpus, pids }: EffectiveLimits,
  weaknesses: readonly string[],
): Confinement {
  return {
    limits: {
      ...(memoryBytes === undefined
        ? {}
        : { memory: { limit: formatMemory(memoryBytes), held_by: held.memory ?? UNHELD } }),
      ...(cpus === undefined ? {} : { cpus: { limit: cpus, held_by: held.cpus ?? UNHELD } }),
      ...(pids === undefined ? {} : { pids: { limit: pids, held_by: held.processes ?? UNHELD } }),
    },
    weaknesses: [...weaknesses],
  };
}

export function packageFacts({
  jsRuntime,
  heldBack = [],
}: Pick<InstalledPackage, 'jsRuntime' | 'heldBack'>): Pick<Confinement, 'js_runtime' | 'held_back'> {
  const runtime = jsRuntime && {
    name: jsRuntime.name,
    version: jsRuntime.version,
    ...(jsRuntime.name === 'node' ? { path: jsRuntime.program } : {}),
    reason: jsRuntime.reason,
  };
  return {
    ...(runtime === undefined ? {} : { js_runtime: runtime }),
    ...(heldBack.length === 0 ? {} : { held_back: [...heldBack] }),
  };
}

/** What may help where the server of a package dies; `undefined` where nothing is known. */
export function wayOut({
  jsRuntime,
  heldBack = [],
}: Pick<InstalledPackage, 'jsRuntime' | 'heldBack'>): string | undefined {
  const scripts =
    heldBack.length === 0
      ? []
      : [`install scripts of ${heldBack.join(', ')} were not run: --allow-install-scripts runs them`];
  const ways = [...scripts, ...(jsRuntime?.wayOut === undefined ? [] : [jsRuntime.wayOut])];
  return ways.length === 0 ? undefined : ways.join('; ');
}

/** Records how the process is confined, so that any command can show it. Skipped when the disk is full. */
export function writeConfinement(
  paths: Pick<Paths, 'data'>,
  name: WorkloadName,
  confinement: Confinement,
): void {
  try {
    mkdirSync(processFolder(paths, name), { recursive: true, mode: 0o700 });
    writeFileSync(pathOf(paths, name), JSON.stringify(confinement), { mode: 0o600 });
  } catch {
    // the server is held all the same
  }
}

/** How its present or last process is confined; `undefined` when it never started. */
export function readConfinement(paths: Pick<Paths, 'data'>, name: WorkloadName): Confinement | undefined {
  try {
    return v.parse(ConfinementSchema, JSON.parse(readFileSync(pathOf(paths, name), 'utf8')));
  } catch {
    return undefined;
  }
}

function pathOf(paths: Pick<Paths, 'data'>, name: WorkloadName): string {
  return join(processFolder(paths, name), 'confinement.json');
}
