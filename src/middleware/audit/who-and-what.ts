import type { AuditEvent, Cutter } from '../../audit/index.ts';
import type { Identity } from '../../oidc/index.ts';
import type { MessageFacts, RequestContext } from '../../proxy/index.ts';

/** What a client claims of where it comes from counts only behind a proxy of the user's (spec 05 §20-16). */
export function sourceOf(
  { headers }: Request,
  { remoteAddress }: RequestContext,
  trustProxyHeaders: boolean,
  cutter: Cutter,
): AuditEvent['source'] {
  const forwarded = trustProxyHeaders
    ? headers.get('x-forwarded-for')?.split(',')[0]?.trim() || headers.get('x-real-ip')?.trim()
    : undefined;
  const userAgent = headers.get('user-agent');
  const requestId = headers.get('x-request-id');
  return {
    address: cutter.text(forwarded || remoteAddress.replace(/^::ffff:/, ''), 256),
    ...(userAgent ? { userAgent: cutter.text(userAgent) } : {}),
    ...(requestId ? { requestId: cutter.text(requestId) } : {}),
  };
}

export function subjectsOf(identity: Identity | undefined, cutter: Cutter): AuditEvent['subjects'] {
  if (identity === undefined) return { user: 'anonymous' };
  const { subject, name, email, claims } = identity;
  const claim = (key: string) => (typeof claims[key] === 'string' ? claims[key] : '');
  const clientName = claim('client_name');
  const clientVersion = claim('client_version');
  return {
    user: cutter.text(name || claim('preferred_username') || email || 'anonymous'),
    user_id: cutter.text(subject),
    ...(clientName === '' ? {} : { client_name: cutter.text(clientName) }),
    ...(clientVersion === '' ? {} : { client_version: cutter.text(clientVersion) }),
  };
}

const KINDS: Readonly<Record<string, string>> = {
  'tools/call': 'tool',
  'resources/read': 'resource',
  'prompts/get': 'prompt',
};

export function targetOf(
  { method: httpMethod }: Request,
  { path }: RequestContext,
  message: MessageFacts | undefined,
  cutter: Cutter,
): AuditEvent['target'] {
  const name = message && nameOf(message);
  return {
    endpoint: cutter.text(path),
    method: cutter.text(message?.method ?? httpMethod, 256),
    ...(name ? { name: cutter.text(name) } : {}),
    type: KINDS[message?.method ?? ''] ?? 'endpoint',
  };
}

/** The name of a tool is read where it stands, without a look at the arguments. Passwords in the URIs of resources are left out. */
function nameOf(message: MessageFacts): string | undefined {
  if (message.method === 'tools/call') return message.tool;
  return message.resourceId.replace(/^([a-z][a-z\d+.-]*:\/\/)[^\s/?#@]+@/i, '$1[secret]@');
}
