import { join } from 'node:path';
import * as v from 'valibot';
import { type Logger, writeFileAtomic } from '../platform/index.ts';
import { listJsonNames, readIfPresent } from '../records/index.ts';
import type { Emptiness } from './formats/types.ts';

/**
 * What we wrote into a client's settings, so that an entry of the same name with another URL is known as somebody else's
 * (spec 09 §10.20): `<state>/toolhive/clients/<client>.json`, changed only under the lock of the settings file.
 */
export interface Ledger {
  /** The settings file this is about; one in another place is another file. */
  readonly file: string;
  /** URL by server name. */
  readonly servers: Readonly<Record<string, string>>;
  /** How the section was empty before the first of ours came. */
  readonly before?: Emptiness | undefined;
}

export interface LedgerStore {
  /** An empty one when there is none, it is about another file, or cannot be read. */
  read(client: string, file: string): Promise<Ledger>;
  write(client: string, ledger: Ledger): Promise<void>;
  /** Ids of clients that we ever wrote to. */
  clients(): Promise<readonly string[]>;
}

const LedgerSchema = v.object({
  file: v.string(),
  servers: v.record(v.string(), v.string()),
  before: v.optional(v.object({ section: v.nullable(v.string()), file: v.optional(v.string()) })),
});

/** `stateFolder` is `<state>/toolhive`. */
export function createLedgerStore(stateFolder: string, logger: Logger): LedgerStore {
  const folder = join(stateFolder, 'clients');
  const pathOf = (client: string) => join(folder, `${client}.json`);
  return {
    clients: () => listJsonNames(folder),
    async read(client, file) {
      const none: Ledger = { file, servers: {} };
      try {
        const text = await readIfPresent(pathOf(client));
        if (text === undefined) return none;
        const ledger: Ledger = v.parse(LedgerSchema, JSON.parse(text));
        return ledger.file === file ? ledger : none;
      } catch (error) {
        // Without it we own less: entries whose URL is no longer any workload's stay.
        logger.warn('skipping unreadable record of what was written to a client', { client, error });
        return none;
      }
    },
    async write(client, ledger) {
      await writeFileAtomic(pathOf(client), `${JSON.stringify(ledger, undefined, 2)}\n`, {
        directoryMode: 0o700,
      });
    },
  };
}
