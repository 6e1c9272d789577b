import type { Message } from '../../proxy/index.ts';

/** What one request or notification is about, in the terms that policies, audit and metrics use (spec 04 §12.2). */
export interface McpFacts {
  readonly method: string;
  /** JSON text; `undefined` for notifications. */
  readonly id: string | undefined;
  readonly params: Record<string, unknown>;
  /** Name of the tool or prompt, URI of the resource, …; '' where a method has none. */
  readonly resourceId: string;
  readonly arguments: Record<string, unknown> | undefined;
  readonly meta: Record<string, unknown> | undefined;
  /** Of revision 2026-07-28, where each request says who asks and in which revision. */
  readonly clientInfo: Record<string, unknown> | undefined;
  readonly protocolVersion: string | undefined;
}

export function readFacts(message: Exclude<Message, { readonly kind: 'response' }>): McpFacts {
  const { text, method } = message;
  const params =
    asObject(message.params && JSON.parse(text.slice(message.params.start, message.params.end))) ?? {};
  const meta = asObject(params['_meta']);
  const { resourceId, hasArguments } = METHODS.get(method) ?? UNKNOWN;
  return {
    method,
    id: message.kind === 'request' ? text.slice(message.id.start, message.id.end) : undefined,
    params,
    resourceId: resourceId(params),
    arguments: hasArguments === 'params' ? params : hasArguments && asObject(params['arguments']),
    meta,
    clientInfo: asObject(meta?.['io.modelcontextprotocol/clientInfo']),
    protocolVersion: asText(meta?.['io.modelcontextprotocol/protocolVersion']) || undefined,
  };
}

type Params = Readonly<Record<string, unknown>>;

interface MethodFacts {
  readonly resourceId: (params: Params) => string;
  /** Where the arguments are: in a member of that name, or the params themselves. */
  readonly hasArguments?: 'member' | 'params';
}

const member = (name: string) => (params: Params) => asText(params[name]);
const idMember = (name: string) => (params: Params) => asIdText(params[name]);
const fixed = (text: string): MethodFacts => ({ resourceId: () => text });
const UNKNOWN = fixed('');
const LIST: MethodFacts = { resourceId: member('cursor') };
const RESOURCE: MethodFacts = { resourceId: member('uri') };
const CALL: MethodFacts = { resourceId: member('name'), hasArguments: 'member' };
const TASK: MethodFacts = { resourceId: idMember('taskId') };

const METHODS: ReadonlyMap<string, MethodFacts> = new Map<string, MethodFacts>([
  [
    'initialize',
    { resourceId: ({ clientInfo }) => asText(asObject(clientInfo)?.['name']), hasArguments: 'params' },
  ],
  ['tools/call', CALL],
  ['prompts/get', CALL],
  ['resources/read', RESOURCE],
  ['resources/subscribe', RESOURCE],
  ['resources/unsubscribe', RESOURCE],
  ['tools/list', LIST],
  ['prompts/list', LIST],
  ['resources/list', LIST],
  ['resources/templates/list', LIST],
  ['roots/list', LIST],
  ['tasks/list', LIST],
  ['logging/setLevel', { resourceId: member('level') }],
  ['completion/complete', { resourceId: completed, hasArguments: 'params' }],
  ['elicitation/create', { resourceId: member('message'), hasArguments: 'params' }],
  ['sampling/createMessage', { resourceId: sampled, hasArguments: 'params' }],
  ['tasks/get', TASK],
  ['tasks/cancel', TASK],
  ['tasks/result', TASK],
  ['notifications/message', { resourceId: member('method') }],
  ['notifications/progress', { resourceId: idMember('progressToken'), hasArguments: 'params' }],
  ['notifications/cancelled', { resourceId: idMember('requestId'), hasArguments: 'params' }],
  ['notifications/tasks/status', { resourceId: idMember('taskId'), hasArguments: 'params' }],
  ['notifications/elicitation/complete', { resourceId: idMember('elicitationId'), hasArguments: 'params' }],
  ['ping', fixed('ping')],
  ['notifications/initialized', fixed('initialized')],
  ['notifications/roots/list_changed', fixed('roots')],
  ['notifications/prompts/list_changed', fixed('prompts')],
  ['notifications/resources/list_changed', fixed('resources')],
  ['notifications/resources/updated', fixed('resources')],
  ['notifications/tools/list_changed', fixed('tools')],
  ['server/discover', fixed('discover')],
]);

function completed({ ref }: Params): string {
  const object = asObject(ref);
  return asText(object?.['name']) || asText(object?.['uri']) || asText(ref);
}

function sampled({ modelPreferences, systemPrompt }: Params): string {
  const preferences = asObject(modelPreferences);
  const hints = preferences?.['hints'];
  const hint = asObject(Array.isArray(hints) ? hints[0] : undefined);
  const named = asText(preferences?.['name']) || asText(hint?.['name']);
  return named || firstBytes(asText(systemPrompt), 50);
}

/** At most so many bytes of UTF-8, never half a character. */
function firstBytes(text: string, count: number): string {
  return new TextDecoder().decode(Buffer.from(text).subarray(0, count), { stream: true });
}

function asText(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** Ids are strings or numbers; a number counts as its integer text. */
function asIdText(value: unknown): string {
  return typeof value === 'number' ? String(Math.trunc(value)) : asText(value);
}

function asObject(value: unknown): Record<string, unknown> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined;
}
