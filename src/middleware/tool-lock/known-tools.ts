import { findRepeatedKey } from '../../proxy/index.ts';
import {
  changedParts,
  definitionOf,
  type Fingerprint,
  fingerprintOf,
  type ToolLock,
} from '../../tool-lock/index.ts';
import type { ListItem } from '../lists/list-rule.ts';

/** What the server last said a tool is; `undefined` when it can be read in two ways. */
type Known = Fingerprint | undefined;

/** What the server said about its tools lately, and what of it is as it was locked. */
export interface KnownTools {
  learn(items: readonly ListItem[]): void;
  /** What was learned counts no more: the server says that its tools have changed. */
  forget(): void;
  /** Whether a word about this tool is recent enough to go by. */
  knows(tool: string): boolean;
  /** How a tool differs from what was locked, as the end of a sentence; `undefined` when it does not. */
  difference(tool: string): string | undefined;
}

/** A server need not say that its tools have changed. */
const VALID_MS = 60_000;
const MAX_TOOLS = 10_000;

export function createKnownTools(readLock: () => ToolLock | undefined, now: () => number): KnownTools {
  const known = new Map<string, { readonly tool: Known; readonly at: number }>();
  return {
    learn(items) {
      for (const { id, text } of items) {
        if (known.size >= MAX_TOOLS) known.clear();
        const tool =
          findRepeatedKey(text) === undefined ? fingerprintOf(definitionOf(JSON.parse(text))) : undefined;
        known.set(id, { tool, at: now() });
      }
    },
    forget: () => known.clear(),
    knows(tool) {
      const word = known.get(tool);
      return word !== undefined && now() - word.at < VALID_MS;
    },
    difference(tool) {
      const lock = readLock();
      if (lock === undefined) return 'no tools of this workload are locked yet';
      const word = known.get(tool);
      if (word === undefined) return 'the server does not list it any more';
      const locked = lock.tools.get(tool);
      if (locked === undefined) return 'it is new';
      if (word.tool === undefined) return 'a member of its definition is there twice';
      if (word.tool.hash === locked.hash) return undefined;
      return `${changedParts(locked, word.tool).join(', ')} changed`;
    },
  };
}
