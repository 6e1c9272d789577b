import { describe, expect, test } from 'bun:test';
import { type Credentials, createHeaderCredentials } from '../../src/proxy/index.ts';
import { INITIALIZE, post } from './raw-client.ts';
import { type Answer, openFront, openSessionServer } from './reverse-front.ts';

const CALL = { method: 'tools/call', params: { name: 'x', arguments: {} } };

interface Token extends Credentials {
  readonly rejections: () => number;
}

/** A token that is renewed when it is refused, as often as `renewals` says. */
function createToken(renewals: number, { isAsync = false } = {}): Token {
  let version = 1;
  let rejections = 0;
  return {
    headersFor() {
      const headers = [['authorization', `Bearer ${version}`]] as const;
      return isAsync ? Promise.resolve(headers) : headers;
    },
    onRejected() {
      rejections += 1;
      const isRenewed = version <= renewals;
      if (isRenewed) version += 1;
      return isAsync ? Promise.resolve(isRenewed) : isRenewed;
    },
    rejections: () => rejections,
  };
}

/** Takes one token only. */
const only =
  (token: string): Answer =>
  ({ headers }) =>
    headers.get('authorization') === `Bearer ${token}` ? undefined : new Response('no', { status: 401 });

describe('credentials of the reverse proxy', () => {
  test('take the place of the client’s headers, which cannot take them off either', async () => {
    await using backend = openSessionServer();
    const credentials = createHeaderCredentials({ 'X-KEY': 'ours', 'X-Empty': '', 'X-Name': 'Zoë' });
    await using front = await openFront({ target: backend.url, credentials });
    const headers = { 'x-key': 'theirs', 'X-Other': 'kept', Connection: 'close, X-Key, X-Name' };
    await post(`${front.base}/mcp`, { id: 1, ...INITIALIZE }, { headers });
    const seen = backend.asked[0]?.headers;
    expect(['x-key', 'x-empty', 'x-other'].map((name) => seen?.get(name))).toEqual(['ours', '', 'kept']);
    expect(Buffer.from(seen?.get('x-name') ?? '', 'latin1').toString()).toBe('Zoë');
  });

  test('name no session, and ask for no encoding where the answer is looked into', async () => {
    await using backend = openSessionServer();
    const credentials = createHeaderCredentials({ 'Mcp-Session-Id': 'x', 'Accept-Encoding': 'br' });
    await using front = await openFront({ target: backend.url, credentials });
    await post(`${front.base}/mcp`, { id: 1, ...INITIALIZE });
    const [{ session, headers } = { session: '', headers: new Headers() }] = backend.asked;
    expect([session, headers.get('accept-encoding')]).toEqual([null, null]);
  });

  test.each([
    ['at once', false],
    ['later', true],
  ])(
    'that are renewed %s: the refused request goes out again, and its client sees no 401',
    async (_, isAsync) => {
      await using backend = openSessionServer(only('2'));
      const told: boolean[] = [];
      await using front = await openFront({
        target: backend.url,
        isRemote: true,
        credentials: createToken(1, { isAsync }),
        onAuthenticated: (isAuthenticated) => told.push(isAuthenticated),
      });
      const { status, headers } = await post(`${front.base}/mcp`, { id: 1, ...INITIALIZE });
      const session = headers.get('mcp-session-id') ?? '';
      const called = await post(`${front.base}/mcp`, { id: 2, ...CALL }, { session });
      expect([status, called.status, told]).toEqual([200, 200, []]);
      expect(backend.asked.map((asked) => asked.headers.get('authorization'))).toEqual([
        'Bearer 1',
        'Bearer 2',
        'Bearer 2',
      ]);
      expect(backend.asked.map(({ text }) => text)[1]).toBe(backend.asked[0]?.text ?? '');
    },
  );

  test('that are refused again: one more try, then the client gets the 401', async () => {
    await using backend = openSessionServer(only('good'));
    const credentials = createToken(9);
    await using front = await openFront({ target: backend.url, credentials });
    const { status, text } = await post(`${front.base}/mcp`, { id: 1, ...INITIALIZE });
    expect([status, text, backend.asked.length, credentials.rejections()]).toEqual([401, 'no', 2, 1]);
  });

  test('that have nothing better: the client gets the first 401 whole', async () => {
    await using backend = openSessionServer(only('good'));
    await using front = await openFront({ target: backend.url, credentials: createToken(0) });
    const { status, text } = await post(`${front.base}/mcp`, { id: 1, ...INITIALIZE });
    expect([status, text, backend.asked.length]).toEqual([401, 'no', 1]);
  });

  test('are not asked about other refusals', async () => {
    await using backend = openSessionServer(() => new Response(null, { status: 403 }));
    const credentials = createToken(1);
    await using front = await openFront({ target: backend.url, credentials });
    const { status } = await post(`${front.base}/mcp`, { id: 1, ...INITIALIZE });
    expect([status, backend.asked.length, credentials.rejections()]).toEqual([403, 1, 0]);
  });

  test('a body that streams is not sent twice', async () => {
    await using backend = openSessionServer(only('2'));
    const credentials = createToken(1);
    await using front = await openFront({ target: backend.url, credentials });
    const body = Buffer.alloc(9 * 1024 * 1024, ' ');
    const response = await fetch(`${front.base}/mcp`, { method: 'POST', body });
    expect([response.status, backend.asked.length, credentials.rejections()]).toEqual([401, 1, 0]);
  });

  test('a lost session is healed with those of the day, not with those of the request that found it lost', async () => {
    let valid = '1';
    await using backend = openSessionServer((asked, sessions) => only(valid)(asked, sessions));
    await using front = await openFront({ target: backend.url, credentials: createToken(1) });
    const opened = await post(`${front.base}/mcp`, { id: 1, ...INITIALIZE });
    const session = opened.headers.get('mcp-session-id') ?? '';
    backend.sessions.clear();
    valid = '2';
    const called = await post(`${front.base}/mcp`, { id: 2, ...CALL }, { session });
    expect([called.status, called.message.id]).toEqual([200, 2]);
    expect(backend.asked.map(({ rpc, headers }) => [rpc.method, headers.get('authorization')])).toEqual([
      ['initialize', 'Bearer 1'],
      ['tools/call', 'Bearer 1'],
      ['tools/call', 'Bearer 2'],
      ['initialize', 'Bearer 2'],
      ['notifications/initialized', 'Bearer 2'],
      ['tools/call', 'Bearer 2'],
    ]);
  });

  test('are shown by health pings too, as they are by then', async () => {
    await using backend = openSessionServer(only('2'));
    await using front = await openFront({ target: backend.url, isRemote: true, credentials: createToken(1) });
    const ask = async () => (await fetch(`${front.base}/health`)).json();
    await ask();
    await post(`${front.base}/mcp`, { id: 1, ...INITIALIZE });
    await ask();
    expect(backend.asked.map(({ method, headers }) => `${method} ${headers.get('authorization')}`)).toEqual([
      'GET Bearer 1',
      'POST Bearer 1',
      'POST Bearer 2',
      'GET Bearer 2',
    ]);
  });
});
