import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { join } from 'node:path';
import { findChromium, visit } from '../harness/browser.ts';
import { waitFor } from '../harness/wait-for.ts';
import { openWorld, type World } from '../harness/world.ts';
import { type ApiProcess, startApi } from './server.ts';

/**
 * The attack: a web page drives `thv serve` through the user's browser. It may come from anywhere, also from another port of
 * this machine, where MCP servers listen. What a browser sends without asking first is tried with each sign of a page that it
 * may bear. The page cannot read the answer in any case; what counts is that nothing was done.
 */
let world: World;
let api: ApiProcess;
beforeAll(async () => {
  world = await openWorld(undefined);
  api = await startApi(world);
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
  await world[Symbol.asyncDispose]();
});

const GROUPS = '/api/v1beta/groups';
let count = 0;

/** Tries to create a group, and says whether it is there afterwards. */
async function tryToCreate(headers: Readonly<Record<string, string>>) {
  count += 1;
  const name = `page${count}`;
  const reply = await fetch(`${api.url}${GROUPS}`, {
    method: 'POST',
    body: Buffer.from(JSON.stringify({ name })),
    headers: resolve(headers),
  });
  const text = await reply.text();
  const list = await (await fetch(`${api.url}${GROUPS}`)).text();
  return { status: reply.status, text, created: list.includes(`"${name}"`) };
}

const resolve = (headers: Readonly<Record<string, string>>) =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, value.replace('HERE', here())]));
const here = () => new URL(api.url).host;
const JSON_TYPE = { 'Content-Type': 'application/json' };

describe('a page that is not the API’s own changes nothing, whatever type it sends', () => {
  const pages = [
    ['another port of this machine', { Origin: 'http://localhost:9999' }],
    ['the same port by another name', { Origin: 'http://other.localhost:PORT' }],
    ['another machine', { Origin: 'https://evil.example' }],
    ['a sandboxed frame', { Origin: 'null' }],
    ['an extension', { Origin: 'chrome-extension://abcdefghijklmnopabcdefghijklmnop' }],
    ['a webview of an editor', { Origin: 'vscode-webview://1abc' }],
    ['our address over TLS', { Origin: 'https://HERE' }],
    ['our name with a dot', { Origin: 'http://127.0.0.1.:8080' }],
    ['our address behind a user', { Origin: 'http://x@HERE' }],
    ['our address with a path', { Origin: 'http://HERE/' }],
    ['our address, twice', { Origin: 'http://HERE, http://HERE' }],
    ['an empty Origin', { Origin: '' }],
    ['no Origin, same site', { 'Sec-Fetch-Site': 'same-site' }],
    ['no Origin, cross site', { 'Sec-Fetch-Site': 'cross-site' }],
    ['a sign of a page that nobody knows yet', { 'Sec-Fetch-Site': 'neighbour' }],
    ['our Origin, but loaded elsewhere', { Origin: 'http://HERE', 'Sec-Fetch-Site': 'cross-site' }],
  ] as const satisfies readonly (readonly [string, Record<string, string>])[];
  const types = ['', 'text/plain', 'application/json', 'application/x-www-form-urlencoded'];

  test.each(pages.flatMap(([page, headers]) => types.map((type) => [page, type, headers] as const)))(
    '%s, %p',
    async (_page, type, headers) => {
      const outcome = await tryToCreate({ ...headers, 'Content-Type': type });
      expect({ status: outcome.status, created: outcome.created }).toEqual({ status: 403, created: false });
      expect(outcome.text).toStartWith('origin not allowed: ');
    },
  );

  test.each([
    ['GET', '/api/v1beta/workloads'],
    ['GET', '/api/v1beta/events'],
    ['GET', '/api/v1beta/workloads/x/logs'],
    ['GET', '/api/openapi.json'],
    ['GET', '/health'],
    ['GET', '/registry/default/v0.1/servers'],
    ['POST', '/api/v1beta/workloads/stop'],
    ['POST', '/api/v1beta/workloads/x/restart'],
    ['DELETE', '/api/v1beta/groups/default'],
    ['OPTIONS', GROUPS],
    ['GET', '/nowhere'],
  ])('%s %s is refused with either sign', async (method, path) => {
    for (const headers of [{ Origin: 'http://127.0.0.1:9' }, { 'Sec-Fetch-Site': 'same-site' }]) {
      const { status, headers: sent } = await fetch(`${api.url}${path}`, { method, headers });
      expect([status, sent.get('access-control-allow-origin')]).toEqual([403, null]);
    }
  });

  test('a WebSocket of another page is not opened', async () => {
    const { status } = await fetch(`${api.url}/api/v1beta/events`, {
      headers: {
        Origin: 'http://localhost:9999',
        Connection: 'Upgrade',
        Upgrade: 'websocket',
        'Sec-WebSocket-Version': '13',
        'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
      },
    });
    expect(status).toBe(403);
  });
});

describe('a page of the API’s own sends JSON and nothing else', () => {
  test.each([
    ['no type', ''],
    ['text', 'text/plain;charset=UTF-8'],
    ['text that mentions JSON', 'text/plain; application/json'],
    ['a form', 'application/x-www-form-urlencoded'],
    ['a form with parts', 'multipart/form-data; boundary=x'],
    ['two types', 'application/json, text/plain'],
    ['nearly JSON', 'application/jsonp'],
  ])('%s is refused', async (_, type) => {
    for (const sign of [
      { Origin: 'http://HERE' },
      { 'Sec-Fetch-Site': 'same-origin' },
      { 'Sec-Fetch-Site': 'none' },
    ]) {
      const outcome = await tryToCreate({ ...sign, 'Content-Type': type });
      expect({ status: outcome.status, created: outcome.created }).toEqual({ status: 403, created: false });
      expect(outcome.text).toStartWith('content type not allowed: ');
    }
  });

  test.each([
    ['by its Origin', { Origin: 'http://HERE' }],
    ['by both signs', { Origin: 'http://HERE', 'Sec-Fetch-Site': 'same-origin' }],
    ['with a charset', { Origin: 'http://HERE', 'Content-Type': 'Application/JSON; charset=utf-8' }],
  ])('JSON is taken, known %s', async (_, headers) => {
    expect(await tryToCreate({ ...JSON_TYPE, ...headers })).toMatchObject({ status: 201, created: true });
  });
});

test.each([
  ['no type', ''],
  ['a form, as curl sends it', 'application/x-www-form-urlencoded'],
])('a program that is no browser is not touched: %s', async (_, type) => {
  expect(await tryToCreate({ 'Content-Type': type })).toMatchObject({ status: 201, created: true });
});

test('the documentation can be linked to, but not framed', async () => {
  const visit = { 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'navigate' };
  const ask = async (dest: string) =>
    (await fetch(`${api.url}/api/doc`, { headers: { ...visit, 'Sec-Fetch-Dest': dest } })).status;
  expect([await ask('document'), await ask('iframe')]).toEqual([200, 403]);
});

test('a UNIX socket is out of reach for pages, and takes what it is sent', async () => {
  const path = join(world.folder, 'api.sock');
  await using other = await openWorld(undefined);
  const server = other.start(['serve', '--socket', path]);
  await waitFor(
    () => server.stderr,
    (stderr) => stderr.includes('starting server'),
    { what: 'the server listens' },
  );
  const { status } = await fetch('http://localhost/api/v1beta/version', {
    unix: path,
    headers: { Origin: 'http://localhost:9999' },
  });
  server.signal('SIGTERM');
  await server.finished();
  expect(status).toBe(200);
});

const chromium = findChromium();
test.skipIf(chromium === undefined)('a real browser on a page of another port creates nothing', async () => {
  // Everything that a page can send: with and without asking, from itself, from a frame without origin, by form.
  const page = `<!doctype html><p id=state>working</p><iframe name=sink></iframe><script>
    const url = '${api.url}${GROUPS}';
    const body = (name) => JSON.stringify({ name });
    const types = [undefined, 'text/plain', 'application/json', 'application/x-www-form-urlencoded'];
    const tries = types.flatMap((type) => ['no-cors', 'cors'].map((mode) =>
      fetch(url, { method: 'POST', mode, body: new Blob([body('chromium')], type ? { type } : {}) })));
    tries.push(fetch(url, { method: 'POST', mode: 'no-cors', body: new Blob([body('chromium')]) }));
    navigator.sendBeacon(url, new Blob([body('chromium')]));
    new EventSource('${api.url}/api/v1beta/events');
    const form = document.createElement('form');
    Object.assign(form, { method: 'POST', enctype: 'text/plain', action: url, target: 'sink' });
    form.innerHTML = '<input name=\\'{"name":"chromium","x":"\\' value=\\'"}\\'>';
    document.body.append(form);
    form.submit();
    const frame = document.createElement('iframe');
    frame.sandbox = 'allow-scripts';
    frame.srcdoc = '<script>fetch("' + url + '",{method:"POST",mode:"no-cors",body:new Blob(["{\\\\"name\\\\":\\\\"chromium\\\\"}"])})<\\/script>';
    document.body.append(frame);
    Promise.allSettled(tries).then(() => setTimeout(() => { state.textContent = 'done'; }, 500));
  </script>`;
  await using stack = new AsyncDisposableStack();
  const elsewhere = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    fetch: () => new Response(page, { headers: { 'Content-Type': 'text/html' } }),
  });
  stack.defer(() => elsewhere.stop(true));
  const { requested } = await visit(chromium ?? '', `http://127.0.0.1:${elsewhere.port}/`, (text) =>
    text.includes('done'),
  );
  expect(requested.filter((url) => url.startsWith(api.url)).length).toBeGreaterThan(5);
  expect(await (await fetch(`${api.url}${GROUPS}`)).text()).not.toContain('chromium');
});
