import { afterAll, beforeAll, expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { createEngine } from '../harness/engine.ts';
import { openWorld, type World } from '../harness/world.ts';
import { describeApi } from './in-process.ts';
import { type ApiProcess, startApi } from './server.ts';

const socket = process.env['THV_TEST_DOCKER_SOCKET'] ?? '';
if (socket === '')
  process.stderr.write('SKIPPED tests/api/hostile.test.ts: THV_TEST_DOCKER_SOCKET names no engine\n');

/** Requests to each route; all routes together get far more. */
const REQUESTS = 200;
/** Answers of spec 10 §16 that are no failure of ours: there is one registry, and an address may lead nowhere. */
const ALSO_FINE: Readonly<Record<string, readonly number[]>> = {
  'POST /api/v1beta/registry': [501],
  'PUT /api/v1beta/registry/{name}': [502, 504],
};

let world: World;
let api: ApiProcess;
beforeAll(async () => {
  if (socket === '') return;
  world = await openWorld(createEngine({ kind: 'docker', socket }));
  api = await startApi(world, [], { TOOLHIVE_SKIP_UPDATE_CHECK: 'true' });
  await api.ask('POST', '/api/v1beta/secrets', { body: { provider_type: 'environment' } });
});
afterAll(async () => {
  await api?.[Symbol.asyncDispose]();
  await world?.[Symbol.asyncDispose]();
});

const document = await describeApi();
const routes = Object.entries(document.paths)
  .flatMap(([path, operations]) => Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`))
  .filter((route) => !/ \/(?:health|api\/v1beta\/(?:events|version|status))$/.test(route));

test.skipIf(socket === '').each(routes)(
  'random bytes for %s get answers of the 4xx kind or better',
  async (route) => {
    const [method = '', template = ''] = route.split(' ');
    const random = createRandom(route);
    const outcomes = new Map<number, number>();
    for (let round = 0; round < REQUESTS; round += 10) {
      const replies = await Promise.all(
        Array.from({ length: 10 }, () =>
          fetch(`${api.url}${fill(template, random)}${random.pick(['', '', `?${random.text(20)}`])}`, {
            method,
            headers: headersFrom(random),
            ...(method === 'GET' ? {} : { body: random.body() }),
          }),
        ),
      );
      for (const reply of replies) {
        await reply.arrayBuffer();
        outcomes.set(reply.status, (outcomes.get(reply.status) ?? 0) + 1);
      }
    }
    const bad = [...outcomes.keys()].filter((status) => status >= 500 && !ALSO_FINE[route]?.includes(status));
    expect({ route, bad }).toEqual({ route, bad: [] });
  },
);

test.skipIf(socket === '')('and the server is none the worse for it', async () => {
  expect((await api.ask('GET', '/health')).status).toBe(204);
  expect(api.stderr).not.toContain('"level":"ERROR"');
  const residentBytes =
    Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${api.pid}/status`, 'utf8'))?.[1]) * 1024;
  expect(residentBytes).toBeLessThan(400 * 1024 * 1024);
});

/** A path of the route; no workload, group or secret has such names. */
function fill(template: string, random: Random): string {
  return template.replace(
    /\{\w+\}/g,
    () =>
      random.pick([encodeURIComponent(random.text(12)), `%${random.text(3)}`, random.word(), 'x%2F..%2Fy']) ||
      'x',
  );
}

function headersFrom(random: Random): Record<string, string> {
  const printable = random
    .text(30)
    .replace(/[^\x20-\x7e]/g, '')
    .trim();
  return random.pick<Record<string, string>>([
    {},
    { 'Content-Type': printable },
    { Accept: printable, 'X-Request-Id': printable },
    { Authorization: printable },
  ]);
}

interface Random {
  pick<T>(items: readonly T[]): T;
  text(length: number): string;
  word(): string;
  body(): string;
}

/** The same for each run of a route, so that what it finds can be found again. */
function createRandom(seed: string): Random {
  let state = Bun.hash.crc32(seed) || 1;
  const next = () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
  const text = (length: number) =>
    String.fromCodePoint(...Array.from({ length }, () => next() % (next() % 8 === 0 ? 0xd7ff : 0x7f)));
  const word = () => `n${next().toString(36)}`;
  const pick = <T>(items: readonly T[]) => items[next() % items.length] as T;
  const value = (depth: number): unknown =>
    pick<() => unknown>([
      () => next(),
      () => -next() / 7,
      () => text(8),
      () => null,
      () => next() % 2 === 0,
      () => (depth > 3 ? [] : [value(depth + 1), value(depth + 1)]),
      () => (depth > 3 ? {} : object(depth + 1)),
    ])();
  const object = (depth: number) =>
    Object.fromEntries(Array.from({ length: 3 }, () => [pick(MEMBERS), value(depth)]));
  return {
    pick,
    text,
    word,
    body: () =>
      pick([
        () => text(40),
        () => JSON.stringify(object(0)),
        () => JSON.stringify(value(0)),
        () => '',
        () => '[['.repeat(next() % 2000),
      ])(),
  };
}

const MEMBERS =
  `name image url names group groups key value provider_type env_vars secrets tools tools_override volumes transport
  proxy_mode proxy_port target_port permission_profile oidc oauth_config headers header_forward runtime_config registry
  server cmd_arguments local_path api_url auth __proto__ constructor toString`.split(/\s+/);
