import { expect, test } from 'bun:test';
import { userInfo } from 'node:os';
import type { Identity } from '../../oidc/index.ts';
import { createLogger } from '../../platform/log.ts';
import type { ContextFact } from '../types.ts';
import { createAuth } from './auth.ts';

function build(reads: readonly ContextFact[]) {
  const lines: string[] = [];
  const log = createLogger({ write: (line) => lines.push(line) });
  const middleware = createAuth({}, { log, clock: () => 1_700_000_000_999, reads: new Set(reads) });
  return { middleware, lines };
}

test.each([[[]], [['message']]] as const)(
  'auth stands in nobody\u2019s way where others read %j',
  (reads) => {
    const { middleware, lines } = build(reads);
    expect([middleware, lines]).toEqual([undefined, []]);
  },
);

test('every caller counts as the local user, and the token is passed on unread', async () => {
  const { middleware, lines } = build(['identity']);
  const context = { path: '/mcp', remoteAddress: '', keepOpen() {}, letGo() {} };
  let identity: Identity | undefined;
  const request = new Request('http://x/mcp', { headers: { Authorization: 'Bearer t' } });
  await middleware?.(request, context, (passed, inner) => {
    identity = inner.identity;
    return new Response(passed.headers.get('authorization'));
  });
  const { username } = userInfo();
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({ level: 'WARN', user: username });
  expect(identity).toEqual({
    kind: 'local',
    subject: username,
    platformUserId: undefined,
    delegation: undefined,
    token: undefined,
    owner: undefined,
    tools: undefined,
    name: `Local User: ${username}`,
    email: `${username}@localhost`,
    claims: {
      sub: username,
      iss: 'toolhive-local',
      aud: 'toolhive',
      iat: 1_700_000_000,
      nbf: 1_700_000_000,
      exp: 1_700_086_400,
      email: `${username}@localhost`,
      name: `Local User: ${username}`,
    },
  });
});
