import { callTool, openStreamable, type RawClient } from '../../tests/harness/raw-client.ts';
import { type Ground, hostOf, openHome, runEchoes } from './ground.ts';
import { applyLoadInVain } from './load.ts';
import { atMost, median, ms, type Row } from './table.ts';

const WORKLOADS = 5;
const KILLS = 3;
const MAX_MS = 2000;
const GIVE_UP_MS = 20_000;
/** The load goes on so long before the kill, and between two. */
const CALM_MS = 1500;

/** Kills the workload host under load; time until every workload has answered in the session it had before. */
export async function benchHost(ground: Ground): Promise<readonly Row[]> {
  const kills = ground.settings.repeats ?? KILLS;
  await using home = await openHome(ground);
  const labels = Array.from({ length: WORKLOADS }, (_, index) => `k${index}`);
  const urls = await runEchoes(ground, home, labels);
  const clients = await Promise.all(urls.map((url) => openStreamable(url)));
  const loaded = clients[0];
  const url = urls[0];
  if (loaded === undefined || url === undefined) throw new Error('nothing runs');

  const firstMs: number[] = [];
  const allMs: number[] = [];
  for (let kill = 0; kill < kills; kill++) {
    const options = { connections: 16, seconds: 4 };
    const load = applyLoadInVain(ground, { url, sessionId: loaded.sessionId }, options);
    try {
      await ground.pause(CALM_MS);
      const killedAt = performance.now();
      process.kill(await hostOf(home), 'SIGKILL');
      const answeredMs = await Promise.all(
        clients.map((client, index) => untilAnswered(client, kill * WORKLOADS + index, killedAt)),
      );
      firstMs.push(Math.min(...answeredMs));
      allMs.push(Math.max(...answeredMs));
    } finally {
      await load.catch(() => undefined); // interrupted, or the target was gone for too long: seen above
    }
  }
  // Only ours: a list shows the containers of other homes on the same engine too.
  const listed = JSON.parse(await home.ok(['list', '--format', 'json'])) as readonly {
    readonly name: string;
  }[];
  const running = labels.filter((label) => listed.some(({ name }) => name === home.name(label))).length;
  const worst = Math.max(...allMs);
  return [
    { metric: `host killed under load ${kills} times: first of ${WORKLOADS} answers`, thv: spread(firstMs) },
    {
      metric: `until all ${WORKLOADS} answered, in their old sessions`,
      thv: spread(allMs),
      budget: atMost(worst, MAX_MS, ' ms'),
    },
    {
      metric: 'workloads lost',
      thv: `${WORKLOADS - running}`,
      budget: atMost(WORKLOADS - running, 0, ''),
    },
  ];
}

/** Milliseconds since `since` until a call in the client's session was answered rightly. */
async function untilAnswered(client: RawClient, id: number, since: number): Promise<number> {
  for (;;) {
    const attempt = callTool(client, id + 1, 'echo', { message: 'still there' });
    const outcome = await Promise.race([
      attempt.catch((error: unknown) => error),
      Bun.sleep(GIVE_UP_MS).then(() => new Error('no answer')),
    ]);
    const elapsed = performance.now() - since;
    if (outcome === 'still there') return elapsed;
    if (elapsed > GIVE_UP_MS) throw new Error('a workload did not come back', { cause: outcome });
    await Bun.sleep(5);
  }
}

function spread(values: readonly number[]): string {
  return `${ms(median(values))} in the middle, ${ms(Math.max(...values))} at worst`;
}
