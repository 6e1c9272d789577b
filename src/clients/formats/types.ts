import type { Entry } from '../types.ts';

/**
 * What a place for servers looked like before the first of ours came into it, so that the file is the same again when the
 * last one leaves.
 */
export interface Emptiness {
  /** The section's text while it held nothing; `null` when there was no section. */
  readonly section: string | null;
  /** The whole file, when it held nothing at all. */
  readonly file?: string | undefined;
}

/**
 * One way to write settings. Text in, text out: every byte outside the entry in question stays, which no library's own
 * printer does. Texts are without byte order mark. What does not parse throws a plain `Error` with the parser's message.
 */
export interface SettingsFormat {
  readonly label: 'JSON' | 'YAML' | 'TOML';
  /** The whole file as plain values. */
  values(text: string): Readonly<Record<string, unknown>>;
  /** How `section` is empty; `undefined` when it holds an entry. */
  emptiness(text: string, section: string): Emptiness | undefined;
  /** Adds the entry, or replaces all of the one that is there. */
  set(text: string, section: string, name: string, entry: Entry): string;
  /** The same text when there is no such entry. */
  remove(text: string, section: string, name: string, before: Emptiness | undefined): string;
}
