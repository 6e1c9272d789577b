import { findMember, type Message, type MessageFacts, stringAt } from '../../proxy/index.ts';

type Question = Exclude<Message, { readonly kind: 'response' }>;

export function createFacts(message: Question): MessageFacts {
  return new Facts(message);
}

/** One small object for a message; what costs something is found when it is asked for. */
class Facts implements MessageFacts {
  readonly #message: Question;
  #params: Params | undefined;

  constructor(message: Question) {
    this.#message = message;
  }

  get method(): string {
    return this.#message.method;
  }

  get id(): string | undefined {
    const message = this.#message;
    return message.kind === 'request' ? message.text.slice(message.id.start, message.id.end) : undefined;
  }

  /** Read where it stands, so that asking for it alone parses no arguments. */
  get tool(): string | undefined {
    const { method, params, text } = this.#message;
    if (method !== 'tools/call' || text[params?.start ?? -1] !== '{') return undefined;
    return stringAt(text, findMember(text, params, 'name')) || undefined;
  }

  get params(): Params {
    if (this.#params !== undefined) return this.#params;
    const { params, text } = this.#message;
    this.#params = asObject(params && JSON.parse(text.slice(params.start, params.end))) ?? {};
    return this.#params;
  }

  get resourceId(): string {
    return (METHODS.get(this.method) ?? UNKNOWN).resourceId(this.params);
  }

  get arguments(): Params | undefined {
    const { hasArguments } = METHODS.get(this.method) ?? UNKNOWN;
    if (hasArguments === undefined) return undefined;
    return hasArguments === 'params' ? this.params : asObject(this.params['arguments']);
  }

  get meta(): Params | undefined {
    return asObject(this.params['_meta']);
  }

  get clientInfo(): Params | undefined {
    return asObject(this.meta?.['io.modelcontextprotocol/clientInfo']);
  }

  get protocolVersion(): string | undefined {
    return asText(this.meta?.['io.modelcontextprotocol/protocolVersion']) || undefined;
  }
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
