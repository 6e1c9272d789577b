import { describe, expect, test } from 'bun:test';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { acquireLock } from '../../src/platform/index.ts';
import { createEngine, type Engine } from '../harness/engine.ts';
import { FIXTURE_IMAGE } from '../harness/images.ts';
import { waitFor } from '../harness/wait-for.ts';
import { openWorld, type World } from '../harness/world.ts';
import { type ApiProcess, startApi } from './server.ts';

const socket = process.env['THV_TEST_DOCKER_SOCKET'] ?? '';
if (socket === '')
  process.stderr.write('SKIPPED tests/api/load.test.ts: THV_TEST_DOCKER_SOCKET names no engine\n');

const B = '/api/v1beta/workloads';
const NAMES = 8;
const OPERATIONS = 200;
const PASSING = ['starting', 'stopping', 'removing'];

interface Entry {
  readonly name: string;
  readonly status: string;
  readonly port: number;
  readonly url: string;
}

describe.skipIf(socket === '')('many at once', () => {
  test(`${OPERATIONS} creates, stops, restarts and deletes of ${NAMES} names leave what the files, the engine and the list agree on`, async () => {
    const engine = createEngine({ kind: 'docker', socket });
    await using world = await openWorld(engine);
    await using api = await startApi(world);
    const names = Array.from({ length: NAMES }, (_, index) => world.name(`l${index}`));
    // Not by chance: each name sees each order of two operations.
    const replies = await Promise.all(
      Array.from({ length: OPERATIONS }, (_, index) =>
        operate(api, names[index % NAMES] ?? '', Math.floor(index / NAMES)),
      ),
    );
    for (const reply of replies) expect([201, 202, 404, 409]).toContain(reply.status);
    expect(replies.filter(({ status }) => status === 201).length).toBeGreaterThanOrEqual(NAMES);

    // Of a shared engine the containers of others are listed too.
    const list = async () =>
      (await api.ask('GET', `${B}?all=true`))
        .json<{ workloads: Entry[] }>()
        .workloads.filter(({ name }) => names.includes(name));
    await settled(list);
    const left = new Map((await list()).map((entry) => [entry.name, entry]));
    for (const name of names) {
      const entry = left.get(name);
      const facts = {
        document: existsSync(join(world.state, 'runconfigs', `${name}.json`)),
        status: existsSync(join(world.data, 'statuses', `${name}.json`)),
      };
      const isThere = entry !== undefined;
      expect({ name, ...facts }).toEqual({ name, document: isThere, status: isThere });
      const container = await engine.inspect(name);
      if (entry === undefined) expect(container).toBeUndefined();
      else
        expect({ name, isUp: container?.State.Running ?? false, status: entry.status }).toEqual({
          name,
          isUp: entry.status === 'running',
          status: entry.status,
        });
    }
    const ports = [...left.values()].map(({ port }) => port);
    expect(new Set(ports).size).toBe(ports.length);

    // And it goes on: all of them can be had again.
    await api.ask('POST', `${B}/delete`, { body: { names } });
    await waitFor(list, (entries) => entries.length === 0, {
      what: 'all are deleted',
      deadlineMs: 120_000,
      intervalMs: 200,
    });
    expect(await engine.named(names[0]?.replace(/0$/, '') ?? 'none')).toEqual([]);
    expect((await create(api, names[0] ?? '')).status).toBe(201);
    await waitFor(list, ([entry]) => entry?.status === 'running', {
      what: 'a new one runs',
      deadlineMs: 60_000,
      intervalMs: 200,
    });
  }, 400_000);
});

/** What shows that a workload was touched: its status, its document, its container. */
async function traces(world: World, engine: Engine, name: string) {
  const [container, document, status] = [
    await engine.inspect(name),
    await Bun.file(join(world.state, 'runconfigs', `${name}.json`))
      .text()
      .catch(() => ''),
    await Bun.file(join(world.data, 'statuses', `${name}.json`))
      .json()
      .catch(() => ({})),
  ];
  return {
    container: container && { id: container.Id, startedAt: container.State.StartedAt },
    document,
    status: status.status,
  };
}

/** With the status that a workload has in the end; `undefined` when it is gone. An edit passes through `stopped`. */
const OPERATIONS_ON_ONE: readonly (readonly [
  operation: string,
  end: string | undefined,
  ask: (api: ApiProcess, name: string) => Promise<unknown>,
])[] = [
  ['restart', 'running', (api, name) => api.ask('POST', `${B}/${name}/restart`)],
  [
    'edit',
    'running',
    async (api, name) => {
      const { status } = await api.ask('POST', `${B}/${name}/edit`, {
        body: { image: FIXTURE_IMAGE, cmd_arguments: ['echo'], env_vars: { NEW: '1' } },
      });
      expect(status).toBe(200);
    },
  ],
  ['stop', 'stopped', (api, name) => api.ask('POST', `${B}/${name}/stop`)],
  [
    'restart of a stopped one',
    'running',
    (api, name) => api.ask('POST', `${B}/restart`, { body: { names: [name] } }),
  ],
  ['deletion', undefined, (api, name) => api.ask('DELETE', `${B}/${name}`)],
];

describe.skipIf(socket === '')('changes of one workload take turns', () => {
  test('each waits for the one before, and for none of another workload', async () => {
    const engine = createEngine({ kind: 'docker', socket });
    await using world = await openWorld(engine);
    await using api = await startApi(world);
    const [held, free] = [world.name('held'), world.name('free')];
    for (const name of [held, free]) {
      expect((await create(api, name)).status).toBe(201);
      await world.reached(name);
    }
    for (const [operation, end, ask] of OPERATIONS_ON_ONE) {
      const before = await traces(world, engine, held);
      const freeBefore = await traces(world, engine, free);
      // As another process that is in the middle of a change.
      const turn = await acquireLock(join(world.data, 'statuses', `${held}.change.lock`), {
        timeoutMs: 30_000,
      });
      try {
        await ask(api, held);
        await ask(api, free);
        await changed(free, freeBefore, end);
        expect({ operation, ...(await traces(world, engine, held)) }).toEqual({ operation, ...before });
      } finally {
        turn.release();
      }
      await changed(held, before, end);
    }

    /** Until it is another one than before, and has come to its end. */
    function changed(name: string, before: Awaited<ReturnType<typeof traces>>, end: string | undefined) {
      return waitFor(
        () => traces(world, engine, name),
        (now) => now.status === end && !Bun.deepEquals(now, before),
        { what: `${name} has changed`, deadlineMs: 60_000, intervalMs: 100 },
      );
    }
  }, 200_000);
});

function create(api: ApiProcess, name: string) {
  return api.ask('POST', B, { body: { name, image: FIXTURE_IMAGE, cmd_arguments: ['echo'] } });
}

function operate(api: ApiProcess, name: string, round: number) {
  switch (round % 4) {
    case 0:
      return create(api, name);
    case 1:
      return api.ask('POST', `${B}/${name}/stop`);
    case 2:
      return api.ask('POST', `${B}/${name}/restart`);
    default:
      return api.ask(round % 8 === 3 ? 'POST' : 'DELETE', `${B}/${name}${round % 8 === 3 ? '/restart' : ''}`);
  }
}

/** Until nothing is under way any more, and was not either a moment ago. */
async function settled(list: () => Promise<readonly Entry[]>): Promise<void> {
  let last = '';
  let sameFor = 0;
  await waitFor(
    async () => {
      const entries = await list();
      const seen = JSON.stringify(entries.map(({ name, status }) => [name, status]));
      const isPassing = entries.some(({ status }) => PASSING.includes(status));
      sameFor = seen === last && !isPassing ? sameFor + 1 : 0;
      last = seen;
      return { sameFor, seen };
    },
    (state) => state.sameFor >= 20,
    { what: 'nothing is under way', deadlineMs: 240_000, intervalMs: 250 },
  );
}
