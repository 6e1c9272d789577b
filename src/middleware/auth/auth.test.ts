import { describe, expect, test } from 'bun:test';
import { userInfo } from 'node:os';
import type { Identity } from '../../oidc/index.ts';
import { createLogger } from '../../platform/log.ts';
import type { MessageFacts, RequestContext } from '../../proxy/index.ts';
import type { Callers, ContextFact } from '../types.ts';
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

describe('a stream of someone whose key is taken back', () => {
  const KEY = { kind: 'key', subject: 'token:ann' } as Identity;

  /** What a client reads of an answer of two parts between which its key is taken back. */
  async function readBy(identity: Identity, method: string, message?: string): Promise<string> {
    let end = () => {};
    let stopped = 0;
    const callers: Callers = {
      admit: () => identity,
      limitsTools: true,
      watch(_, whenOver) {
        end = whenOver;
        return () => stopped++;
      },
    };
    const log = createLogger({ write: () => {} });
    const middleware = createAuth({}, { callers, log, clock: Date.now, reads: new Set() });
    const context: RequestContext = { path: '/mcp', remoteAddress: '', keepOpen() {}, letGo() {} };
    let source: ReadableStreamDefaultController<Uint8Array> | undefined;
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        source = controller;
        controller.enqueue(Buffer.from(': one\n\n'));
      },
    });
    const answer = await middleware?.(new Request('http://x/mcp', { method }), context, (_, inner) => {
      if (message !== undefined) inner.message = { method: message } as MessageFacts;
      return new Response(body, { headers: { 'Content-Type': 'text/event-stream' } });
    });
    const reader = answer?.body?.getReader();
    const first = await reader?.read();
    end();
    try {
      source?.enqueue(Buffer.from(': two\n\n'));
      source?.close();
    } catch {
      // cancelled, as it should be when its reader is cut off
    }
    const second = await reader?.read();
    return [first, second]
      .map((part) => (part?.value ? Buffer.from(part.value).toString().trim() : ''))
      .join('|');
  }

  test.each([
    ['the one that GET opens', KEY, 'GET', undefined, ': one|'],
    ['a subscription', KEY, 'POST', 'subscriptions/listen', ': one|'],
    ['a call that is running', KEY, 'POST', 'tools/call', ': one|: two'],
    ['another kind of caller', { ...KEY, kind: 'oidc' } as Identity, 'GET', undefined, ': one|: two'],
  ])('%s', async (_, identity, method, message, read) => {
    expect(await readBy(identity, method, message)).toBe(read);
  });
});

test('a caller who is refused gets no further, and no answer on anybody\u2019s stream', async () => {
  const refusal = new Response(null, { status: 401 });
  for (const admitted of [refusal, Promise.resolve(refusal)]) {
    const callers: Callers = { admit: () => admitted, limitsTools: false, watch: () => undefined };
    const log = createLogger({ write: () => {} });
    const middleware = createAuth({}, { callers, log, clock: Date.now, reads: new Set() });
    const context: RequestContext = { path: '/mcp', remoteAddress: '', keepOpen() {}, letGo() {} };
    const answer = await middleware?.(new Request('http://x/mcp'), context, () => new Response('through'));
    expect([answer, context.isFinal, context.identity]).toEqual([refusal, true, undefined]);
  }
});
