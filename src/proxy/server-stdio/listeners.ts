import { META_SUBSCRIPTION } from '../era/index.ts';
import {
  errorText,
  findMember,
  INTERNAL_ERROR,
  type Notification,
  notificationText,
  onOneLine,
  type Request,
  stringAt,
} from '../json-rpc/index.ts';
import { withMeta } from './envelope.ts';
import { messageFrame } from './frame.ts';
import type { PostReply } from './post-reply.ts';
import type { Subscriber, Subscriptions } from './subscriptions.ts';

/** `subscriptions/listen` of 2026-07-28 at a server with a handshake, which tells everything to everybody (spec 04 §18.6, §19.3). */
export interface Listeners {
  /** `capabilities`: the server's, which decide what is promised. */
  open(request: Request, reply: PostReply, capabilities: Capabilities): void;
  tell(notification: Notification): void;
}

interface Capabilities {
  readonly tools?: { readonly listChanged?: unknown };
  readonly prompts?: { readonly listChanged?: unknown };
  readonly resources?: { readonly listChanged?: unknown; readonly subscribe?: unknown };
}

interface Filter {
  readonly toolsListChanged?: true;
  readonly promptsListChanged?: true;
  readonly resourcesListChanged?: true;
  readonly resourceSubscriptions?: readonly string[];
}

interface Listener extends Subscriber {
  readonly filter: Filter;
  readonly reply: PostReply;
  /** The members of `_meta` by which its client knows the subscription. */
  readonly meta: Readonly<Record<string, string>>;
}

const MAX_LISTENERS = 1024;

export function createListeners(subscriptions: Subscriptions): Listeners {
  const listeners = new Set<Listener>();

  return {
    open(request, reply, capabilities) {
      const id = request.text.slice(request.id.start, request.id.end);
      if (listeners.size >= MAX_LISTENERS) {
        reply.answer(errorText(id, INTERNAL_ERROR, 'Too many subscriptions'));
        return;
      }
      const filter = honoured(wishesIn(request), capabilities);
      const meta = { [META_SUBSCRIPTION]: id };
      const listener: Listener = {
        filter,
        reply,
        meta,
        subscriptions: new Set(),
        ended: false,
        say: () => false,
      };
      listeners.add(listener);
      reply.onGone = () => {
        listener.ended = true;
        listeners.delete(listener);
        subscriptions.sessionEnded(listener);
      };
      const params = `{"notifications":${JSON.stringify(filter)},"_meta":{"${META_SUBSCRIPTION}":${id}}}`;
      reply.interim(
        messageFrame(notificationText('notifications/subscriptions/acknowledged', params)),
        'must',
      );
      for (const uri of filter.resourceSubscriptions ?? []) subscriptions.follow(uri, listener);
    },
    tell(notification) {
      for (const { filter, reply, meta } of listeners) {
        if (!isWanted(notification, filter)) continue;
        reply.interim(messageFrame(onOneLine(withMeta(notification, meta))), 'may');
      }
    },
  };
}

function isWanted({ method, text, params }: Notification, filter: Filter): boolean {
  switch (method) {
    case 'notifications/tools/list_changed':
      return filter.toolsListChanged === true;
    case 'notifications/prompts/list_changed':
      return filter.promptsListChanged === true;
    case 'notifications/resources/list_changed':
      return filter.resourcesListChanged === true;
    case 'notifications/resources/updated':
      return (
        filter.resourceSubscriptions?.includes(stringAt(text, findMember(text, params, 'uri')) ?? '') === true
      );
    default:
      return false;
  }
}

function wishesIn({ text, params }: Request): Readonly<Record<string, unknown>> {
  const at = findMember(text, params, 'notifications');
  return at !== undefined && text[at.start] === '{' ? JSON.parse(text.slice(at.start, at.end)) : {};
}

/** What of the wishes the server can fulfil. */
function honoured(
  wishes: Readonly<Record<string, unknown>>,
  { tools, prompts, resources }: Capabilities,
): Filter {
  const uris = wishes['resourceSubscriptions'];
  const wanted = Array.isArray(uris) ? uris.filter((uri) => typeof uri === 'string' && uri !== '') : [];
  const may = (wish: string, capability: unknown) => wishes[wish] === true && capability === true;
  return {
    ...(may('toolsListChanged', tools?.listChanged) && { toolsListChanged: true }),
    ...(may('promptsListChanged', prompts?.listChanged) && { promptsListChanged: true }),
    ...(may('resourcesListChanged', resources?.listChanged) && { resourcesListChanged: true }),
    ...(wanted.length > 0 && resources?.subscribe === true && { resourceSubscriptions: wanted }),
  };
}
