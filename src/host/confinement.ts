import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import type { Paths } from '../platform/index.ts';
import type { SandboxedProcess } from '../processes/index.ts';
import { type EffectiveLimits, formatMemory, type WorkloadName } from '../records/index.ts';
import { processFolder } from './process-files.ts';

const LimitSchema = v.object({ limit: v.union([v.string(), v.number()]), held_by: v.string() });
const ConfinementSchema = v.object({
  limits: v.object({
    memory: v.optional(LimitSchema),
    cpus: v.optional(LimitSchema),
    pids: v.optional(LimitSchema),
  }),
  weaknesses: v.array(v.string()),
});
/** What holds a server that is a process, and where its sandbox is weaker than a container. */
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

/** For those who are asked about the workload, whoever serves it. Of no use when the disk is full, and then left out. */
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

/** Of its present or last life; `undefined` when it never started. */
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
