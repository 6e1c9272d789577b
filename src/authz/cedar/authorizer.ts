import { hasCode, messageOf } from '../../errors/index.ts';
import type { Logger } from '../../platform/index.ts';
import { fold } from '../../proxy/index.ts';
import { type CedarSettings, invalid } from '../config.ts';
import { type AccessRequest, type Authorizer, refusal, type Verdict } from '../types.ts';
import { createDecisionCache } from './decision-cache.ts';
import { type CedarEngine, type KeptPolicies, loadCedar } from './engine.ts';
import { type Entity, keyOf, mergeEntities, parseEntities } from './entities.ts';
import { parsePolicies } from './policies.ts';
import { type CedarRequest, type Model, toCedarRequest } from './request.ts';
import { IllFormed } from './values.ts';
import { visibleNames } from './visible-names.ts';

interface CedarOptions {
  /** Name of the workload whose tools, prompts and resources are asked for. */
  readonly workload: string;
  readonly log: Logger;
}

/** Decides by Cedar policies (spec 05 §11). Throws `ERR_AUTHZ_INVALID` for policies or entities that cannot be parsed. */
export async function openCedarAuthorizer(
  settings: CedarSettings,
  options: CedarOptions,
): Promise<Authorizer> {
  const engine = await loadCedar();
  const { policies, problems } = parsePolicies(engine, settings.policies);
  const [problem] = problems;
  if (problem !== undefined) throw invalid(`failed to parse policy ${problem.index}: ${problem.message}`);
  const declared = parseEntities(engine, settings.entities_json);
  const kept = engine.keep(policies.map(({ text }) => text).join('\n'));
  return new CedarAuthorizer(engine, kept, declared, {
    settings,
    workload: options.workload,
    names: visibleNames(policies),
    conversion: { numbers: settings.numbers, warn: warnOnce(options.log) },
  });
}

class CedarAuthorizer implements Authorizer {
  readonly #engine: CedarEngine;
  readonly #kept: KeptPolicies;
  readonly #declared: readonly Entity[];
  readonly #declaredByKey: ReadonlyMap<string, Entity>;
  readonly #model: Model;
  readonly #cache = createDecisionCache();
  /** What policies call the arguments that they look at, by what a lenient server may take them for. */
  readonly #argumentNames: ReadonlyMap<string, string>;

  constructor(engine: CedarEngine, kept: KeptPolicies, declared: readonly Entity[], model: Model) {
    this.#engine = engine;
    this.#kept = kept;
    this.#declared = declared;
    this.#declaredByKey = new Map(declared.map((entity) => [keyOf(entity.uid), entity]));
    this.#model = model;
    this.#argumentNames = new Map(
      [...(model.names ?? [])]
        .filter((name) => name.startsWith('arg_'))
        .map((name) => name.slice('arg_'.length))
        .flatMap((name) => [name, name.replace(/_present$/, '')])
        .map((name) => [fold(name), name]),
    );
  }

  decide(request: AccessRequest): Verdict {
    const subject = request.identity?.subject ?? '';
    if (subject === '') return refusal('the caller has no subject');
    const twin = this.#findTwin(request.arguments);
    if (twin !== undefined)
      return refusal(`argument ${JSON.stringify(twin)} is not spelt as a policy spells it`);
    let asked: CedarRequest;
    try {
      asked = toCedarRequest(subject, request, this.#model);
    } catch (error) {
      if (!(error instanceof IllFormed)) throw error;
      return refusal('a text of the request is no Unicode');
    }
    // Cedar knows neither clock nor chance: one question has one answer.
    return this.#cache.find(JSON.stringify(asked), () => this.#ask(asked));
  }

  #ask({ principal, action, resource, context }: CedarRequest): Verdict {
    try {
      const answer = this.#engine.ask((cedar) =>
        cedar.statefulIsAuthorized({
          principal: principal.uid,
          action: action.uid,
          resource: resource.uid,
          context,
          preparsedPolicySetId: this.#kept.id,
          entities: mergeEntities(this.#declared, this.#declaredByKey, [principal, action, resource]),
        }),
      );
      if (answer.type === 'failure') return refusal(...answer.errors.map(({ message }) => message));
      const { decision, diagnostics } = answer.response;
      const errors = diagnostics.errors.map(({ policyId, error }) => `${policyId}: ${error.message}`);
      // A policy that cannot be decided may be the one that forbids.
      const isAllowed = decision === 'allow' && errors.length === 0;
      return { isAllowed, policies: [...diagnostics.reason].sort(byNumber), errors };
    } catch (error) {
      if (hasCode(error, 'ERR_AUTHZ_TRAPPED')) return refusal(error.message);
      return refusal(messageOf(error));
    }
  }

  /** A server may take `Path` for the argument `path` that a policy looks at and does not find. */
  #findTwin(given: AccessRequest['arguments']): string | undefined {
    if (given === undefined || this.#argumentNames.size === 0) return undefined;
    return Object.keys(given).find((name) => {
      const known = this.#argumentNames.get(fold(name));
      return known !== undefined && known !== name && !(this.#model.names?.has(`arg_${name}`) ?? true);
    });
  }

  [Symbol.dispose](): void {
    this.#kept[Symbol.dispose]();
  }
}

function byNumber(left: string, right: string): number {
  return Number(left.slice('policy'.length)) - Number(right.slice('policy'.length));
}

/** Each kind once for a proxy: what a client sends must not fill the log. */
function warnOnce(log: Logger): (what: string) => void {
  const warned = new Set<string>();
  return (what) => {
    if (warned.has(what) || warned.size >= MAX_WARNINGS) return;
    warned.add(what);
    log.warn('policies do not see all of a request', { left_out: what });
  };
}

const MAX_WARNINGS = 20;
