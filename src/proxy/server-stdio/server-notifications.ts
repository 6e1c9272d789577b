import { META_SUBSCRIPTION } from '../era/index.ts';
import { findMember, type Notification, onOneLine, ownIdAt, splice, stringAt } from '../json-rpc/index.ts';
import type { CallTable } from './call-table.ts';
import { messageFrame } from './frame.ts';
import type { LogLevels } from './log-level.ts';
import type { OlderServer } from './older-server.ts';
import { deliver, findLogReader, findRecipient } from './recipient.ts';
import { Round } from './round.ts';
import type { ServerRequests } from './server-requests.ts';
import type { Session } from './session.ts';
import type { SessionTable } from './session-table.ts';
import type { Subscriptions } from './subscriptions.ts';

export interface NotificationRoutes {
  readonly calls: CallTable;
  readonly sessions: SessionTable;
  readonly subscriptions: Subscriptions;
  readonly levels: LogLevels;
  readonly questions: ServerRequests;
  readonly older: Pick<OlderServer, 'tell'>;
}

/** Brings a notification of the server to whom it concerns (spec 04 §6.5, §19.1, §19.2). */
export function routeNotification(notification: Notification, routes: NotificationRoutes): void {
  const { sessions, subscriptions, levels, calls } = routes;
  if (routeToListener(notification, calls)) return;
  switch (notification.method) {
    case 'notifications/progress':
      routeProgress(notification, calls);
      return;
    case 'notifications/tools/list_changed':
    case 'notifications/resources/list_changed':
    case 'notifications/prompts/list_changed':
      broadcast(notification, sessions.listening);
      routes.older.tell(notification);
      return;
    case 'notifications/resources/updated':
      broadcast(notification, subscriptions.subscribers(stringParam(notification, 'uri') ?? ''));
      routes.older.tell(notification);
      return;
    case 'notifications/cancelled':
      if (!routes.questions.cancel(notification)) endListener(notification, calls);
      return;
    default: {
      const session = findRecipient(calls.all(), sessions.streaming);
      const isLog = notification.method === 'notifications/message';
      if (session === undefined) {
        if (isLog) findLogReader(calls.all())?.reply.interim(frameOf(notification), 'may');
        return;
      }
      if (isLog && !levels.wants(session, stringParam(notification, 'level'))) return;
      deliver(session, frameOf(notification), 'may');
    }
  }
}

/** All subscriptions share one stdout: each notification names its own, by the id that the process knows (spec 04 §18.6). */
function routeToListener(notification: Notification, calls: CallTable): boolean {
  const { text, params, method } = notification;
  if (!text.includes('subscriptionId')) return false;
  const place = findMember(text, params, '_meta', META_SUBSCRIPTION);
  if (place === undefined) return false;
  const call = calls.find(ownIdAt(text, place));
  if (call?.life !== 'listening') return true;
  const restored = onOneLine(splice(text, [{ at: place, by: call.clientId }]));
  const weight = method === 'notifications/subscriptions/acknowledged' ? 'must' : 'may';
  call.reply.interim(messageFrame(restored), weight);
  return true;
}

/** The server ends a subscription. */
function endListener(notification: Notification, calls: CallTable): void {
  const call = calls.find(
    ownIdAt(notification.text, findMember(notification.text, notification.params, 'requestId')),
  );
  if (call?.life !== 'listening') return;
  // It need not be told what it has just said.
  call.cancelled = true;
  calls.fail(call, 'cancelled');
}

/** Sends progress to the call that asked, under the token its client chose. */
function routeProgress(notification: Notification, calls: CallTable): void {
  const { text } = notification;
  const token = findMember(text, notification.params, 'progressToken');
  const call = calls.find(ownIdAt(text, token));
  if (token === undefined || call === undefined) return;
  const asked = call.reply instanceof Round ? call.reply.progressToken : call.progressToken;
  if (asked === undefined) return;
  calls.extend(call);
  const restored = onOneLine(splice(text, [{ at: token, by: asked }]));
  call.reply.interim(messageFrame(restored), 'may');
}

function broadcast(notification: Notification, sessions: ReadonlySet<Pick<Session, 'say'>>): void {
  if (sessions.size === 0) return;
  const frame = frameOf(notification);
  for (const session of sessions) session.say(frame, 'may');
}

function frameOf({ text }: Notification): Uint8Array {
  return messageFrame(onOneLine(text));
}

function stringParam({ text, params }: Notification, name: string): string | undefined {
  return stringAt(text, findMember(text, params, name));
}
