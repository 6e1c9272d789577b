import type * as v from 'valibot';

/** What the parser makes of each kind of flag (spec 01 §1.1). Durations are milliseconds. */
interface KindValue {
  bool: boolean;
  int: number;
  duration: number;
  string: string;
  /** Each occurrence is one element. */
  stringArray: readonly string[];
  /** Each occurrence is one CSV record. */
  strings: readonly string[];
}

export type FlagKind = keyof KindValue;
export type FlagValue = KindValue[FlagKind];

type FlagOfKind<Kind extends FlagKind> = {
  readonly kind: Kind;
  readonly help: string;
  /** Checks the parsed value; carries the default, which the help shows. Its message is printed as it is. */
  readonly schema: v.GenericSchema<KindValue[Kind] | undefined, unknown>;
  readonly shorthand?: string;
  /** Checked before the other flags, at step 6 of spec 01 §1.3 (`--format`, `--group`). */
  readonly checkedFirst?: boolean;
  readonly required?: boolean;
  /** Left out of the help. */
  readonly hidden?: boolean;
  /** Left out of the help; using it prints this advice. */
  readonly deprecated?: string;
};

export type Flag = { [Kind in FlagKind]: FlagOfKind<Kind> }[FlagKind];

/** Flags by their long name. */
export type FlagSet = Readonly<Record<string, Flag>>;

/** `target-port` → `targetPort`. */
type OptionName<Name extends string> = Name extends `${infer Head}-${infer Tail}`
  ? `${Head}${Capitalize<OptionName<Tail>>}`
  : Name;

/** What a command works with: the checked values, named as in code. */
export type OptionsOf<Flags extends FlagSet> = {
  readonly [Name in keyof Flags & string as OptionName<Name>]: v.InferOutput<Flags[Name]['schema']>;
};

export function optionName(flagName: string): string {
  return flagName.replace(/-([a-z0-9])/g, (_match, letter: string) => letter.toUpperCase());
}

/** The flag as errors name it: `-e, --env` or `--name`. */
export function flagLabel(name: string, flag: Flag): string {
  return flag.shorthand === undefined ? `--${name}` : `-${flag.shorthand}, --${name}`;
}
