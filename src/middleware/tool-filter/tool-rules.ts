import * as v from 'valibot';
import { parseParameters } from '../parameters.ts';

/** Which tools clients see, and by which names (spec 04 §12.3, §19.9). */
export interface ToolRules {
  /** A tool of the server as clients see it; `undefined` when they do not. */
  show(actual: string): { readonly name: string; readonly description: string | undefined } | undefined;
  /** The server's name of a tool that a client calls; `undefined` when there is no such tool for clients. */
  resolve(visible: string): string | undefined;
}

/** All tools under their own names, where nothing but the caller's own limit applies. */
export const ANY_TOOL: ToolRules = {
  show: (actual) => ({ name: actual, description: undefined }),
  resolve: (visible) => visible,
};

/** Parameters of filters that no document asks for: they are there for callers who may use a part of the tools. */
export const LIMITS_ONLY = Symbol('the limits of callers only');

/** Rules for one caller: what everybody may see, and of that what is in `tools`. */
export function limitedTo(tools: ReadonlySet<string> | undefined, rules: ToolRules): ToolRules {
  if (tools === undefined) return rules;
  return {
    show(actual) {
      const shown = rules.show(actual);
      return shown !== undefined && tools.has(shown.name) ? shown : undefined;
    },
    resolve: (visible) => (tools.has(visible) ? rules.resolve(visible) : undefined),
  };
}

const Override = v.pipe(
  v.looseObject({ name: v.optional(v.string(), ''), description: v.optional(v.string(), '') }),
  v.check(
    ({ name, description }) => name !== '' || description !== '',
    'override name and description cannot both be empty',
  ),
);

const Parameters = v.pipe(
  v.looseObject({
    filter_tools: v.nullish(v.array(v.pipe(v.string(), v.nonEmpty('tool name cannot be empty'))), []),
    tools_override: v.nullish(
      v.record(v.pipe(v.string(), v.nonEmpty('tool name cannot be empty')), Override),
      {},
    ),
  }),
  v.check(
    ({ filter_tools, tools_override }) => filter_tools.length > 0 || Object.keys(tools_override).length > 0,
    'tools list for filtering or overriding is empty',
  ),
  v.rawCheck(({ dataset, addIssue }) => {
    if (!dataset.typed) return;
    const taken = new Map<string, string>();
    for (const [actual, { name }] of Object.entries(dataset.value.tools_override)) {
      const other = name === '' ? undefined : taken.get(name);
      if (other !== undefined)
        addIssue({ message: `tools ${other} and ${actual} are both overridden to ${name}` });
      taken.set(name, actual);
    }
  }),
);

/** Throws `ERR_RUN_CONFIG_INVALID`. An empty filter lets all tools through; filter names are what clients see. */
export function parseToolRules(type: string, parameters: unknown): ToolRules {
  if (parameters === LIMITS_ONLY) return ANY_TOOL;
  const { filter_tools, tools_override } = parseParameters(type, Parameters, parameters);
  const filter = filter_tools.length === 0 ? undefined : new Set(filter_tools);
  const overrides = new Map(Object.entries(tools_override));
  const actualNames = new Map(
    [...overrides].flatMap(([actual, { name }]) => (name === '' ? [] : [[name, actual] as const])),
  );
  const isShown = (name: string) => filter === undefined || filter.has(name);

  return {
    show(actual) {
      const override = overrides.get(actual);
      const name = override?.name || actual;
      // A tool whose name was given to another one could not be called by it any more.
      const isShadowed = (actualNames.get(name) ?? actual) !== actual;
      if (isShadowed || !isShown(name)) return undefined;
      return { name, description: override?.description || undefined };
    },
    resolve(visible) {
      if (!isShown(visible)) return undefined;
      const actual = actualNames.get(visible);
      if (actual !== undefined) return actual;
      const isOverriddenAway = (overrides.get(visible)?.name || visible) !== visible;
      return isOverriddenAway ? undefined : visible;
    },
  };
}
