import * as v from 'valibot';
import { batchRefused, jsonError, type RequestContext } from '../../proxy/index.ts';
import { parseParameters } from '../parameters.ts';
import type { Middleware, Services } from '../types.ts';
import { type AskWebhook, openWebhook } from './ask.ts';
import { changeCall, withChanged } from './change-call.ts';
import { checkWebhooks, type Webhook, WebhookFileSchema, type WebhookKind } from './config.ts';
import { type Description, describeCall } from './describe-call.ts';

const Parameters = v.looseObject({
  webhooks: v.nullish(WebhookFileSchema.entries.validating, () => []),
  server_name: v.nullish(v.string(), ''),
  transport: v.nullish(v.string(), ''),
});

type Needs = Pick<Services, 'clock' | 'log' | 'proxy' | 'findSecret'>;

interface Opened {
  readonly webhook: Webhook;
  readonly ask: AskWebhook;
}

/** Longest message that webhooks are asked about. */
const MAX_BYTES = 1024 * 1024;
const DENIED = 403;
const INTERNAL = -32_603;
const INVALID_REQUEST = -32_600;

/** Asks about each message before it goes on; one that says no is enough (spec 05 §17.2). */
export async function createValidatingWebhooks(
  parameters: unknown,
  services: Needs,
): Promise<Middleware | undefined> {
  const { opened, place } = await open('validating', parameters, services);
  if (opened.length === 0) return undefined;

  return async function validatingWebhooks(request, context, next) {
    if (context.message === undefined) return next(request, context);
    if (isTooLong(context)) return tooLong(context);
    const uid = crypto.randomUUID();
    const body = describeCall(context, place, uid);
    for (const { webhook, ask } of opened) {
      const verdict = await ask(body, uid);
      if (verdict.type === 'failed')
        services.log.warn('webhook failed', { webhook: webhook.name, reason: verdict.reason });
      const isRefused = verdict.type === 'failed' ? webhook.isFailureFatal : verdict.type === 'denied';
      if (isRefused) return refuse(403, DENIED, 'Request denied by policy', context);
    }
    return next(request, context);
  };
}

/** Lets each webhook change the message before it goes on, one after the other (spec 05 §17.2). */
export async function createMutatingWebhooks(
  parameters: unknown,
  services: Needs,
): Promise<Middleware | undefined> {
  const { opened, place } = await open('mutating', parameters, services);
  if (opened.length === 0) return undefined;
  const { log } = services;

  return async function mutatingWebhooks(original, context, next) {
    let request = original;
    if (context.message === undefined) return next(request, context);
    if (isTooLong(context)) return tooLong(context);
    for (const { webhook, ask } of opened) {
      const uid = crypto.randomUUID();
      const verdict = await ask(describeCall(context, place, uid), uid);
      if (verdict.type === 'denied')
        return refuse(
          verdict.isUnprocessable ? 422 : 403,
          DENIED,
          'Request denied by webhook policy',
          context,
        );
      const change =
        verdict.type === 'failed'
          ? { type: 'fault' as const, message: 'Webhook error', reason: verdict.reason }
          : changeCall(context, verdict);
      if (change.type === 'fault') {
        log.warn('webhook failed', { webhook: webhook.name, reason: change.reason });
        if (webhook.isFailureFatal) return refuse(500, INTERNAL, change.message, context);
      } else if (change.type === 'batch') return batchRefused();
      else if (change.type === 'invalid') {
        log.warn('webhook failed', { webhook: webhook.name, reason: 'what it made of the request is none' });
        return refuse(500, INTERNAL, 'Webhook produced an invalid MCP request', context);
      } else if (change.type === 'changed') request = withChanged(request, context, change.body);
    }
    return next(request, context);
  };
}

async function open(
  kind: WebhookKind,
  parameters: unknown,
  services: Needs,
): Promise<{ readonly opened: readonly Opened[]; readonly place: Description }> {
  const {
    webhooks,
    server_name: server,
    transport,
  } = parseParameters(`${kind}-webhook`, Parameters, parameters);
  const checked = checkWebhooks({ validating: [], mutating: [], [kind]: webhooks })[kind];
  const opened: Opened[] = [];
  for (const webhook of checked) opened.push({ webhook, ask: await openWebhook(webhook, services) });
  return { opened, place: { server, transport, clock: services.clock } };
}

function isTooLong({ body }: RequestContext): boolean {
  return body !== undefined && body.text.length * 3 > MAX_BYTES && Buffer.byteLength(body.text) > MAX_BYTES;
}

function tooLong(context: RequestContext): Response {
  return refuse(413, INVALID_REQUEST, 'Request body exceeds maximum size', context);
}

function refuse(status: number, code: number, message: string, { message: facts }: RequestContext): Response {
  return jsonError(status, { code, message, id: facts?.id });
}
