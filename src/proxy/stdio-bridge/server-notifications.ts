import { findMember, type Notification, onOneLine, splice, stringAt } from '../json-rpc/index.ts';
import type { CallTable } from './call-table.ts';
import { messageFrame } from './frame.ts';
import type { LogLevels } from './log-level.ts';
import { deliver, findRecipient } from './recipient.ts';
import type { ServerRequests } from './server-requests.ts';
import type { SessionTable } from './session-table.ts';
import type { Subscriptions } from './subscriptions.ts';

export interface NotificationRoutes {
  readonly calls: CallTable;
  readonly sessions: SessionTable;
  readonly subscriptions: Subscriptions;
  readonly levels: LogLevels;
  readonly questions: ServerRequests;
}

/** Brings a notification of the server to whom it concerns (spec 04 §6.5, §19.1, §19.2). */
export function routeNotification(notification: Notification, routes: NotificationRoutes): void {
  const { sessions, subscriptions, levels, calls } = routes;
  switch (notification.method) {
    case 'notifications/progress':
      routeProgress(notification, calls);
      return;
    case 'notifications/tools/list_changed':
    case 'notifications/resources/list_changed':
    case 'notifications/prompts/list_changed':
      broadcast(notification, sessions.streaming);
      return;
    case 'notifications/resources/updated':
      broadcast(notification, subscriptions.subscribers(stringParam(notification, 'uri') ?? ''));
      return;
    case 'notifications/cancelled':
      routes.questions.cancel(notification);
      return;
    default: {
      const session = findRecipient(calls.all(), sessions.streaming);
      if (session === undefined) return;
      if (
        notification.method === 'notifications/message' &&
        !levels.wants(session, stringParam(notification, 'level'))
      ) {
        return;
      }
      deliver(session, frameOf(notification), 'may');
    }
  }
}

/** To the call that asked, under the token its client chose. */
function routeProgress(notification: Notification, calls: CallTable): void {
  const { text } = notification;
  const token = findMember(text, notification.params, 'progressToken');
  const call = calls.find(stringAt(text, token) ?? '');
  if (token === undefined || call?.progressToken === undefined) return;
  calls.extend(call);
  const restored = onOneLine(splice(text, [{ at: token, by: call.progressToken }]));
  call.reply.interim(messageFrame(restored), 'may');
}

function broadcast(notification: Notification, sessions: SessionTable['streaming']): void {
  if (sessions.size === 0) return;
  const frame = frameOf(notification);
  for (const { stream } of sessions) stream?.send(frame, 'may');
}

function frameOf({ text }: Notification): Uint8Array {
  return messageFrame(onOneLine(text));
}

function stringParam({ text, params }: Notification, name: string): string | undefined {
  return stringAt(text, findMember(text, params, name));
}
