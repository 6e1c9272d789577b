import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { engineRequest } from '../../tests/harness/engine.ts';
import { FIXTURE_IMAGE } from '../../tests/harness/images.ts';
import { waitFor } from '../../tests/harness/wait-for.ts';
import type { World } from '../../tests/harness/world.ts';
import { type Ground, openHome } from './ground.ts';
import { atMost, median, ms, type Row } from './table.ts';

const WORKLOADS = 100;
const REPEATS = 200;
const MAX_MS = 15;

/** The API with many workloads: what a list costs beside the engine's own list of the same containers. */
export async function benchApi(ground: Ground): Promise<readonly Row[]> {
  const { repeats = REPEATS } = ground.settings;
  await using home = await openHome(ground);
  await makeStopped(ground, home, WORKLOADS);
  const socket = join(home.folder, 'api.sock');
  const server = home.start(['serve', '--socket', socket]);
  try {
    const list = async () => {
      const response = await fetch('http://localhost/api/v1beta/workloads?all=true', { unix: socket });
      return ((await response.json()) as { workloads: readonly unknown[] }).workloads.length;
    };
    await waitFor(list, (count) => count === WORKLOADS, { what: `the API lists ${WORKLOADS} workloads` });
    const filters = encodeURIComponent(JSON.stringify({ label: ['toolhive=true'] }));
    const askEngine = async () => {
      const response = await engineRequest(ground.engine, 'GET', `/containers/json?all=1&filters=${filters}`);
      await response.json();
    };
    const [listed, asked] = [await times(ground, repeats, list), await times(ground, repeats, askEngine)];
    return [
      {
        metric: `GET /api/v1beta/workloads, ${WORKLOADS} stopped, p50`,
        thv: ms(median(listed)),
        peer: `the engine's list: ${ms(median(asked))}`,
        ratio: median(listed) / median(asked),
        budget: atMost(median(listed), MAX_MS, ' ms'),
      },
      { metric: 'the same, p95', thv: ms(percentile(listed, 0.95)), peer: ms(percentile(asked, 0.95)) },
    ];
  } finally {
    server.signal('SIGTERM');
    await server.finished();
  }
}

async function times(
  ground: Ground,
  repeats: number,
  action: () => Promise<unknown>,
): Promise<readonly number[]> {
  const taken: number[] = [];
  for (let round = -5; round < repeats; round++) {
    ground.signal.throwIfAborted();
    const startedAt = performance.now();
    await action();
    if (round >= 0) taken.push(performance.now() - startedAt);
  }
  return taken;
}

function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

/** One is run and stopped; the others are made after its image: documents, status files, and containers that never ran. */
async function makeStopped(ground: Ground, home: World, count: number): Promise<void> {
  const first = home.name('0');
  await home.ok(['run', '--name', first, '--transport', 'stdio', '--wait', FIXTURE_IMAGE, '--', 'echo']);
  await home.ok(['stop', first]);
  const files = [join(home.state, 'runconfigs'), join(home.data, 'statuses')];
  const texts = await Promise.all(files.map((folder) => readFile(join(folder, `${first}.json`), 'utf8')));
  const labels = (await ground.engine.inspect(first))?.Config.Labels ?? {};
  for (let number = 1; number < count; number++) {
    ground.signal.throwIfAborted();
    const name = home.name(String(number));
    const renamed = (text: string) => text.replaceAll(first, name);
    await Promise.all(
      files.map((folder, index) => writeFile(join(folder, `${name}.json`), renamed(texts[index] ?? ''))),
    );
    const container = { Image: FIXTURE_IMAGE, Labels: JSON.parse(renamed(JSON.stringify(labels))) };
    const response = await engineRequest(
      ground.engine,
      'POST',
      `/containers/create?name=${name}`,
      JSON.stringify(container),
    );
    if (!response.ok) throw new Error(`container not created: ${await response.text()}`);
  }
}
