import { describe, expect, test } from 'bun:test';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createLogger, silentLogger } from '../../src/platform/index.ts';
import { createUsageReporter } from '../../src/usage/index.ts';
import { waitFor } from '../harness/wait-for.ts';
import { openWorld, type World } from '../harness/world.ts';
import { openReceiver, type Receiver } from './receiver.ts';

const INSTALLATION = '0f8fad5b-d9cb-469f-a165-70867728950e';

interface User extends World {
  /** Writes `config.yaml`. */
  configure(lines: string): Promise<void>;
}

/** A user who named the endpoint, in an installation that has an id. */
async function openUser(url: string): Promise<User> {
  const world = await openWorld(undefined);
  const config = join(world.folder, 'config/toolhive');
  for (const folder of [config, world.data]) await mkdir(folder, { recursive: true });
  const configure = (lines: string) => writeFile(join(config, 'config.yaml'), lines);
  await configure(`usage_metrics_url: ${url}\n`);
  await writeFile(join(world.data, 'updates.json'), JSON.stringify({ instance_id: INSTALLATION }));
  return { ...world, configure };
}

type Settings = Partial<Parameters<typeof createUsageReporter>[0]>;

function reporterOf(world: World, settings: Settings = {}) {
  return createUsageReporter({
    paths: { config: join(world.folder, 'config/toolhive'), data: world.data },
    logger: silentLogger,
    version: 'v1.2.3',
    platform: 'linux/amd64',
    intervalMs: 20,
    ...settings,
  });
}

/** Counts one call, ends, and gives what arrived. */
async function toldBy(world: World, receiver: Receiver, env: Record<string, string> = {}) {
  const reporter = reporterOf(world, { intervalMs: 60_000 });
  (await reporter.findCounter(env))?.();
  await reporter[Symbol.asyncDispose]();
  return receiver.told.map(({ body }) => body.count);
}

const arrived = (receiver: Receiver, count: number) =>
  waitFor(
    () => receiver.told,
    (told) => told.length >= count,
    { what: `${count} reports arrived` },
  );

describe('usage metrics', () => {
  test('are the number of calls at every interval and at the end, with nothing about them', async () => {
    await using receiver = openReceiver();
    await using user = await openUser(receiver.url);
    const reporter = reporterOf(user, { now: () => new Date('2026-01-01T10:15:00.500Z') });
    const count = await reporter.findCounter({});
    const another = await reporter.findCounter({});
    count?.();
    another?.();
    await waitFor(
      () => receiver.told.at(-1)?.body.count,
      (seen) => seen === 2,
      { what: 'two calls arrived' },
    );
    const before = receiver.told.length;
    await arrived(receiver, before + 1); // also when nothing was added
    count?.();
    await reporter[Symbol.asyncDispose]();
    const ended = receiver.told.length;
    const last = receiver.told[ended - 1];
    expect(last?.body).toEqual({ count: 3, timestamp: '2026-01-01T10:15:00Z' });
    expect(last).toMatchObject({
      method: 'POST',
      path: '/counts',
      headers: {
        'content-type': 'application/json',
        'x-anonymous-id': INSTALLATION,
        'user-agent': 'toolhive/local v1.2.3 release (linux/amd64)',
      },
    });
    const processes = new Set(receiver.told.map(({ headers }) => headers['x-instance-id']));
    expect([...processes]).toEqual([expect.stringMatching(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)]);
    expect(receiver.told.map(({ body }) => Object.keys(body))).toEqual(
      receiver.told.map(() => ['count', 'timestamp']),
    );
    expect(await untilSilent(receiver)).toBe(ended);
  });

  test('start again with the UTC day, and the old day is told whole', async () => {
    await using receiver = openReceiver();
    await using user = await openUser(receiver.url);
    let time = '2026-01-01T23:58:00Z';
    const reporter = reporterOf(user, { intervalMs: 60_000, now: () => new Date(time) });
    const count = await reporter.findCounter({});
    count?.();
    count?.();
    time = '2026-01-02T00:01:00Z';
    count?.();
    await reporter[Symbol.asyncDispose]();
    expect(receiver.told.map(({ body }) => body)).toEqual([
      { count: 2, timestamp: '2026-01-01T23:59:00Z' },
      { count: 1, timestamp: '2026-01-02T00:01:00Z' },
    ]);
  });

  test('of a day without calls are not told afterwards', async () => {
    await using receiver = openReceiver();
    await using user = await openUser(receiver.url);
    let time = '2026-01-01T10:00:00Z';
    const reporter = reporterOf(user, { now: () => new Date(time) });
    await reporter.findCounter({});
    await arrived(receiver, 1);
    time = '2026-01-02T10:00:00Z';
    await reporter[Symbol.asyncDispose]();
    expect(receiver.told.filter(({ body }) => body.timestamp.endsWith('23:59:00Z'))).toEqual([]);
    expect(receiver.told.at(-1)?.body).toEqual({ count: 0, timestamp: time });
  });

  test('that did not arrive are told the next time', async () => {
    await using receiver = openReceiver((earlier) => new Response('', { status: earlier === 0 ? 503 : 200 }));
    await using user = await openUser(receiver.url);
    let time = '2026-01-01T23:58:00Z';
    const reporter = reporterOf(user, { now: () => new Date(time) });
    (await reporter.findCounter({}))?.();
    time = '2026-01-02T00:01:00Z';
    await arrived(receiver, 3);
    await reporter[Symbol.asyncDispose]();
    const old = { count: 1, timestamp: '2026-01-01T23:59:00Z' };
    expect(receiver.told.slice(0, 3).map(({ body }) => body)).toEqual([
      old,
      old,
      { count: 0, timestamp: '2026-01-02T00:01:00Z' },
    ]);
  });

  test.each([
    ['switched off in the configuration', 'disable_usage_metrics: true\n', {}],
    ['switched off', '', { TOOLHIVE_USAGE_METRICS_ENABLED: 'false' }],
    ['where updates are not asked for', '', { TOOLHIVE_SKIP_UPDATE_CHECK: 'True' }],
    [
      'switched on, but off in the configuration',
      'disable_usage_metrics: true\n',
      { TOOLHIVE_USAGE_METRICS_ENABLED: 'true' },
    ],
    ...'GITHUB_ACTIONS CI GITLAB_CI CIRCLECI TRAVIS BUILDKITE DRONE CONTINUOUS_INTEGRATION'
      .split(' ')
      .map((name) => [`on a build service (${name})`, '', { [name]: '0' }] as const),
  ] as const)('are counted by nobody when %s', async (_, lines, env) => {
    await using receiver = openReceiver();
    await using user = await openUser(receiver.url);
    await user.configure(`usage_metrics_url: ${receiver.url}\n${lines}`);
    expect(await reporterOf(user).findCounter(env)).toBeUndefined();
    expect(await toldBy(user, receiver, env)).toEqual([]);
  });

  test.each([
    ['nothing is said against them', {}],
    [
      'the switch holds another word',
      { TOOLHIVE_USAGE_METRICS_ENABLED: 'FALSE', TOOLHIVE_SKIP_UPDATE_CHECK: '1' },
    ],
    ['the variable of a build service is empty', { CI: '' }],
  ])('are counted when %s', async (_, env) => {
    await using receiver = openReceiver();
    await using user = await openUser(receiver.url);
    expect(await toldBy(user, receiver, env)).toEqual([1]);
  });

  test.each([
    ['no endpoint', 'registry_url: ""\n', []],
    ['an empty one', 'usage_metrics_url: ""\n', []],
    [
      'one that is no address',
      'usage_metrics_url: counts\n',
      ['no usage metrics: usage_metrics_url is not an http:// or https:// address'],
    ],
    [
      'a file',
      'usage_metrics_url: file:///tmp/counts\n',
      ['no usage metrics: usage_metrics_url is not an http:// or https:// address'],
    ],
    [
      'a broken configuration',
      'usage_metrics_url: [\n',
      ['no usage metrics: the configuration cannot be read'],
    ],
  ])('with %s are counted by nobody', async (_, config, warnings) => {
    await using user = await openUser('');
    await user.configure(config);
    const lines: string[] = [];
    const logger = createLogger({ write: (line) => lines.push(line) });
    await using reporter = reporterOf(user, { logger });
    expect(await reporter.findCounter({})).toBeUndefined();
    expect(lines.map((line) => JSON.parse(line).msg)).toEqual(warnings);
  });

  test('end when the user says no, and what was counted is forgotten', async () => {
    await using receiver = openReceiver();
    await using user = await openUser(receiver.url);
    const reporter = reporterOf(user);
    const count = await reporter.findCounter({});
    count?.();
    await arrived(receiver, 1);
    await user.configure(`usage_metrics_url: ${receiver.url}\ndisable_usage_metrics: true\n`);
    const after = await untilSilent(receiver);
    count?.();
    await reporter[Symbol.asyncDispose]();
    expect(receiver.told).toHaveLength(after);
  });

  test('of an installation without an id are not sent, and none is made up', async () => {
    await using receiver = openReceiver();
    await using user = await openUser(receiver.url);
    const file = join(user.data, 'updates.json');
    await writeFile(file, '{}');
    expect(await toldBy(user, receiver)).toEqual([]);
    expect(await Bun.file(file).text()).toBe('{}');
  });

  test('go nowhere else when the endpoint says so', async () => {
    await using elsewhere = openReceiver();
    await using receiver = openReceiver(() => Response.redirect(elsewhere.url, 307));
    await using user = await openUser(receiver.url);
    expect(await toldBy(user, receiver)).toEqual([1]);
    expect(elsewhere.told).toEqual([]);
  });

  test('hold back no end for an endpoint that does not answer', async () => {
    await using receiver = openReceiver(() => new Promise(() => undefined));
    await using user = await openUser(receiver.url);
    const reporter = reporterOf(user, { timeoutMs: 200 });
    (await reporter.findCounter({}))?.();
    await arrived(receiver, 1);
    const startedAt = performance.now();
    await reporter[Symbol.asyncDispose]();
    expect(performance.now() - startedAt).toBeLessThan(2000);
  });
});

/** Waits until nothing more arrives for some intervals; gives how much had. */
async function untilSilent({ told }: Receiver): Promise<number> {
  let last = -1;
  await waitFor(
    () => told.length,
    (now) => {
      const isSilent = now === last;
      last = now;
      return isSilent;
    },
    { what: 'nothing more arrives', intervalMs: 100 },
  );
  return last;
}
