import * as v from 'valibot';
import {
  type AccessRequest,
  type Authorizer,
  type Feature,
  openAuthorizer,
  parseAuthzConfig,
  parseAuthzFile,
  readAuthzFile,
} from '../../authz/index.ts';
import { within } from '../../errors/index.ts';
import type { Logger } from '../../platform/index.ts';
import {
  findMember,
  jsonError,
  type Message,
  type MessageFacts,
  type RequestContext,
  textError,
} from '../../proxy/index.ts';
import { createMessageFilter } from '../lists/filter-message.ts';
import { filterLists, mayAnswerList, requestId } from '../lists/filter-response.ts';
import { parseParameters } from '../parameters.ts';
import type { AuditReporter, ChainServices, Middleware } from '../types.ts';
import { annotationsOf, createAnnotations } from './annotations.ts';
import { LISTS, treatmentOf } from './methods.ts';

const Parameters = v.looseObject({
  config_data: v.nullish(v.looseObject({})),
  config_path: v.nullish(v.string(), ''),
});

type Question = Exclude<Message, { kind: 'response' }>;
type AuthorizationServices = Pick<ChainServices, 'log' | 'workload' | 'env' | 'audit'>;

/**
 * Asks a policy about each call, get and read, and shows in lists only what a caller may use (spec 05 §10, §12, §13). Throws
 * what `openAuthorizer` throws: a proxy whose policies cannot be read is not opened.
 */
export async function createAuthorization(
  parameters: unknown,
  { log, workload, env, audit }: AuthorizationServices,
  resources: AsyncDisposableStack,
): Promise<Middleware> {
  const { config_data, config_path } = parseParameters('authorization', Parameters, parameters);
  const config = await within('failed to create authorization middleware', async () =>
    config_data ? parseAuthzConfig(config_data) : parseAuthzFile(await readAuthzFile(config_path)),
  );
  const authorizer = resources.use(await openAuthorizer(config, { workload, env, log }));
  return authorizeBy(authorizer, log, audit);
}

/** One proxy's middleware around what decides. */
export function authorizeBy(authorizer: Authorizer, log: Logger, audit?: AuditReporter): Middleware {
  const annotations = createAnnotations();
  const lists = createMessageFilter({
    kinds: [...LISTS.keys()],
    refusal: { message: 'internal error', status: 500, isStrict: true },
    onList: ({ member }, items) => member === 'tools' && annotations.learn(items),
    async show(item, { identity }) {
      const feature = LISTS.get(item.kind) ?? 'resource';
      const hints = feature === 'tool' ? annotationsOf(item) : undefined;
      return (await mayDo({ identity, feature, id: item.id, annotations: hints })) ? item.text : undefined;
    },
  });

  async function mayDo(request: AccessRequest): Promise<boolean> {
    const { isAllowed, policies, errors } = await authorizer.decide(request);
    const { feature, id, identity } = request;
    const facts = { feature, id, subject: identity?.subject, policies };
    if (errors.length > 0) log.warn('request could not be decided and is refused', { ...facts, errors });
    else if (!isAllowed) log.debug('request is refused by policy', facts);
    return isAllowed;
  }

  function mayCall(context: RequestContext, facts: MessageFacts, feature: Feature): Promise<boolean> {
    const { resourceId: id, arguments: given } = facts;
    const hints = feature === 'tool' ? annotations.find(id) : undefined;
    return mayDo({ identity: context.identity, feature, id, arguments: given, annotations: hints });
  }

  return async function authorization(request, context, next) {
    const { message: facts, body } = context;
    const message = body?.message;
    if (request.method === 'POST' && (message === undefined || !isJson(request))) {
      // Not what the server would have said: it never heard of it (spec 05 §16.3).
      if (!isJson(request)) audit?.note(context, { outcome: 'denied' });
      return malformed();
    }
    if (facts === undefined || message === undefined || message.kind === 'response') {
      return passOn(mayAnswerList(request, context, NONE) ? 'all' : 'events');
    }
    const treatment = treatmentOf(facts.method);
    switch (treatment?.kind) {
      case undefined:
        return denied(context);
      case 'pass':
        return passOn('events');
      case 'list':
        if (facts.method === 'tools/list' && facts.resourceId === '') annotations.forget();
        return passOn('all');
      case 'decide':
        if (!isReadable(message, treatment.idMember)) return malformed();
        return (await mayCall(context, facts, treatment.feature)) ? passOn('events') : denied(context);
    }

    /** Lists may come on any event stream, and with HTTP+SSE they come on that of a GET. */
    function passOn(looksAt: 'all' | 'events') {
      return filterLists(request, context, next, { filter: lists, looksAt, log });
    }
  };
}

const NONE: ReadonlySet<string> = new Set();

function isJson({ headers }: Request): boolean {
  return (headers.get('content-type') ?? '').split(';')[0]?.trim().toLowerCase() === 'application/json';
}

/** Whether a server can only find the name and the arguments that a policy was asked about. */
function isReadable({ text, params }: Question, idMember: 'name' | 'uri'): boolean {
  if (params === undefined || text[params.start] !== '{') return true;
  const kindOf = (member: string) => text[findMember(text, params, member)?.start ?? -1];
  const id = kindOf(idMember);
  const given = kindOf('arguments');
  return (id === undefined || id === '"') && (given === undefined || given === '{' || given === 'n');
}

/** The text is the reference's (spec 05 §10). */
function malformed(): Response {
  return textError(400, 'Invalid or malformed MCP request');
}

/** Says no more than that: why stands in the log (spec 05 §13). */
function denied(context: RequestContext): Response {
  return jsonError(403, { code: 403, message: 'Unauthorized', id: requestId(context) });
}
