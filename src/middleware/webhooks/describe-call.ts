import type { Identity } from '../../oidc/index.ts';
import type { RequestContext } from '../../proxy/index.ts';

/** Where the calls come in. */
export interface Description {
  readonly server: string;
  readonly transport: string;
  /** Unix milliseconds. */
  readonly clock: () => number;
}

const VERSION = 'v0.1.0';

/** What a webhook is told of a call (spec 05 §17.2). The message stands in it to the byte. */
export function describeCall(
  context: RequestContext,
  { server, transport, clock }: Description,
  uid: string,
): string {
  const parts: readonly (readonly [string, string])[] = [
    ['version', JSON.stringify(VERSION)],
    ['uid', JSON.stringify(uid)],
    ['timestamp', JSON.stringify(new Date(clock()).toISOString())],
    ['principal', JSON.stringify(principalOf(context.identity))],
    ['mcp_request', context.body?.text ?? 'null'],
    ['context', JSON.stringify({ server_name: server, source_ip: addressOf(context), transport })],
  ];
  return `{${parts.map(([key, value]) => `"${key}":${value}`).join(',')}}`;
}

/** Never the token, nor what names a session of tokens. */
function principalOf(identity: Identity | undefined) {
  if (identity === undefined) return null;
  const { subject, platformUserId, name, email, claims, delegation } = identity;
  const { tsid: _, ...shown } = claims;
  return {
    sub: subject,
    ...(platformUserId === undefined ? {} : { platform_user_id: platformUserId }),
    ...(name === undefined ? {} : { name }),
    ...(email === undefined ? {} : { email }),
    claims: shown,
    ...(delegation === undefined ? {} : { delegation }),
  };
}

function addressOf({ remoteAddress, remotePort }: RequestContext): string {
  const host = remoteAddress.includes(':') ? `[${remoteAddress}]` : remoteAddress;
  return remotePort === undefined ? remoteAddress : `${host}:${remotePort}`;
}
