import * as v from 'valibot';
import type { FlagSet } from './flag.ts';

/** Valid on every command, at any position before `--` (spec 01 §1.1). */
export const GLOBAL_FLAGS = {
  debug: { kind: 'bool', help: 'Enable debug mode', schema: v.optional(v.boolean(), false) },
} as const satisfies FlagSet;

/** Every command's own; shown among its flags. */
export function helpFlag(commandName: string) {
  return {
    kind: 'bool',
    shorthand: 'h',
    help: `help for ${commandName}`,
    schema: v.optional(v.boolean(), false),
  } as const;
}
