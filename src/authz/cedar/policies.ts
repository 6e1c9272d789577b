import type { DetailedError, PolicyJson } from '@cedar-policy/cedar-wasm/web';
import { hasCode } from '../../errors/index.ts';
import type { CedarEngine } from './engine.ts';

/** One policy of a configuration. Ids count all policies of the file: `policy0`, `policy1`, … */
export interface Policy {
  readonly id: string;
  readonly text: string;
  readonly json: PolicyJson;
}

/** What is wrong with one entry of `cedar.policies`. */
export interface PolicyProblem {
  /** Which entry, from 0. */
  readonly index: number;
  readonly message: string;
  /** Where in the entry, in UTF-16 units; absent where the engine does not say. */
  readonly offset: number | undefined;
}

/**
 * The policies of a configuration; an entry may hold several (spec 05 §20-12). Entries are judged one by one, so that nothing
 * that is begun in one is ended in another.
 */
export function parsePolicies(
  engine: CedarEngine,
  entries: readonly string[],
): { readonly policies: readonly Policy[]; readonly problems: readonly PolicyProblem[] } {
  const policies: Policy[] = [];
  const problems: PolicyProblem[] = [];
  for (const [index, entry] of entries.entries()) {
    const parts = partsOf(engine, entry);
    if ('problem' in parts) problems.push({ index, ...parts.problem });
    else {
      for (const text of parts.texts) {
        const json = engine.ask((cedar) => cedar.policyToJson(text));
        if (json.type === 'failure') problems.push({ index, ...describe(json.errors, text) });
        else policies.push({ id: `policy${policies.length}`, text, json: json.json });
      }
    }
  }
  return { policies, problems };
}

type Problem = Omit<PolicyProblem, 'index'>;

function partsOf(
  engine: CedarEngine,
  entry: string,
): { readonly texts: readonly string[] } | { readonly problem: Problem } {
  try {
    const checked = engine.ask((cedar) => cedar.checkParsePolicySet({ staticPolicies: entry }));
    if (checked.type === 'failure') return { problem: describe(checked.errors, entry) };
    const parts = engine.ask((cedar) => cedar.policySetTextToParts(entry));
    if (parts.type === 'failure') return { problem: describe(parts.errors, entry) };
    if (parts.policies.length === 0) return { problem: { message: 'there is no policy in it', offset: 0 } };
    return { texts: inOrder(parts.policies) };
  } catch (error) {
    if (!hasCode(error, 'ERR_AUTHZ_TRAPPED')) throw error;
    return { problem: { message: error.message, offset: undefined } };
  }
}

/** The engine sorts by the ids it gives, as texts: `policy10` comes before `policy2`. */
function inOrder(sorted: readonly string[]): readonly string[] {
  const positions = sorted.map((_, at) => at).sort((left, right) => (`${left}` < `${right}` ? -1 : 1));
  return sorted
    .map((text, at) => ({ text, position: positions[at] ?? at }))
    .sort((left, right) => left.position - right.position)
    .map(({ text }) => text);
}

function describe(errors: readonly DetailedError[], text: string): Problem {
  const [error] = errors;
  if (error === undefined) return { message: 'it cannot be parsed', offset: undefined };
  const [location] = error.sourceLocations ?? [];
  const what = error.message.replace(/^failed to parse polic(?:y|ies) from string: /, '');
  const message = [
    what === 'static policy set includes a template'
      ? 'a policy must not have slots such as ?principal'
      : what,
    ...(location?.label ? [location.label] : []),
    ...(error.help ? [error.help] : []),
  ].join(', ');
  // The engine counts bytes.
  const offset = location && Buffer.from(text).subarray(0, location.start).toString().length;
  return { message, offset };
}
