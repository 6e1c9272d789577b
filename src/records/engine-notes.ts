import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { writeFileAtomic } from '../platform/index.ts';
import { readIfPresent } from './run-config-store.ts';
import type { WorkloadName } from './workload-name.ts';

const EngineNoteSchema = v.object({ kind: v.picklist(['docker', 'podman']), address: v.string() });

/** The engine that a workload's container was last seen in. */
export type EngineNote = v.InferOutput<typeof EngineNoteSchema>;

/**
 * Which engine holds the container of a workload: `<state>/toolhive/host/engines/<base>.json`. A command may be started where
 * another engine answers, and that one knows nothing of the container. Best effort: without a note, any engine is believed.
 */
export interface EngineNotes {
  find(name: WorkloadName): Promise<EngineNote | undefined>;
  /** Writes nothing when the note says so already. */
  note(name: WorkloadName, engine: EngineNote): Promise<void>;
  delete(name: WorkloadName): Promise<void>;
}

export function createEngineNotes(stateFolder: string): EngineNotes {
  const pathOf = (name: WorkloadName) => join(stateFolder, 'host', 'engines', `${name}.json`);

  async function find(name: WorkloadName): Promise<EngineNote | undefined> {
    try {
      const text = await readIfPresent(pathOf(name));
      const read = text === undefined ? undefined : v.safeParse(EngineNoteSchema, JSON.parse(text));
      return read?.success === true ? read.output : undefined;
    } catch {
      return undefined; // unreadable is the same as unknown
    }
  }

  return {
    find,
    async note(name, { kind, address }) {
      const known = await find(name);
      if (known?.kind === kind && known.address === address) return;
      const text = `${JSON.stringify({ kind, address })}\n`;
      await writeFileAtomic(pathOf(name), text, { directoryMode: 0o700 });
    },
    delete: (name) => rm(pathOf(name), { force: true }),
  };
}
