/** The one password of the encrypted provider in the system's store, at service `toolhive`, name `toolhive` (spec 09 §5.3). */
export interface Keyring {
  /** Names the keyring in logs. */
  readonly kind: string;
  /** Writes and deletes an entry of no meaning; throws when the store does not work. */
  probe(): Promise<void>;
  /** `undefined` when there is none. */
  find(): Promise<string | undefined>;
  save(password: string): Promise<void>;
  /** Deleting what is not there succeeds. */
  delete(): Promise<void>;
}

export const ADDRESS = { service: 'toolhive', name: 'toolhive' } as const;
export const PROBE_SERVICE = 'toolhive-test';
