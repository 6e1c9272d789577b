import { type Ground, hostOf, openHome, runEcho, runEchoes } from './ground.ts';
import { applyLoad, type Target } from './load.ts';
import { type Memory, memoryOf } from './process-usage.ts';
import { openSession } from './proxy-stdio.ts';
import { atMost, kb, mb, median, type Row } from './table.ts';

const ONE_IDLE_MB = 60;
const MANY = 50;
const MANY_IDLE_MB = 100;
/** What two looks at a process that does the same all the time may differ by. */
const NOISE_MB = 10;
/** Idle time before memory is read, because the garbage collector runs on its own schedule. */
const SETTLE_MS = 2000;
const LOOKS = 10;

/** The workload host: idle with one and with many workloads, and over many requests. */
export async function benchMemory(ground: Ground): Promise<readonly Row[]> {
  const { workloads, requests } = ground.settings;
  await using home = await openHome(ground);
  const first = await runEcho(home, 'w0');
  const host = await hostOf(home);
  const look = async () => {
    await ground.pause(SETTLE_MS);
    return await memoryOf(host);
  };
  const one = await look();
  const labels = Array.from({ length: workloads - 1 }, (_, index) => `w${index + 1}`);
  await runEchoes(ground, home, labels);
  const many = await look();
  const each = workloads > 1 ? (many.residentBytes - one.residentBytes) / (workloads - 1) : 0;
  const atFifty = one.residentBytes + each * (MANY - 1);

  await using stack = new AsyncDisposableStack();
  const target = await openSession(stack, first, host);
  const { from, to, count } = await growth(ground, target, requests, look);
  const grown = to - from;
  return [
    {
      metric: 'host, 1 idle workload',
      thv: describe(one),
      budget: atMost(megabytes(one.residentBytes), ONE_IDLE_MB, ' MB'),
    },
    { metric: `host, ${workloads} idle workloads`, thv: `${describe(many)}, ${kb(each)} for each` },
    {
      metric: workloads === MANY ? `host, ${MANY} idle` : `host, ${MANY} idle, reckoned from ${workloads}`,
      thv: mb(atFifty),
      budget: atMost(megabytes(atFifty), MANY_IDLE_MB, ' MB'),
    },
    {
      metric: `host, growth over ${count.toLocaleString('en-US')} requests`,
      thv: `${mb(from)} → ${mb(to)}, ${(grown / count).toFixed(1)} B per request`,
      budget: atMost(megabytes(grown), NOISE_MB, ' MB'),
    },
  ];
}

/** Looks after equal parts of the requests; the first fifth is for warming up. */
async function growth(
  ground: Ground,
  target: Target,
  requests: number,
  look: () => Promise<Memory>,
): Promise<{ readonly from: number; readonly to: number; readonly count: number }> {
  await send(ground, target, requests / 5);
  const seen = [(await look()).residentBytes];
  let count = 0;
  for (let part = 0; part < LOOKS; part++) {
    count += await send(ground, target, requests / LOOKS);
    seen.push((await look()).residentBytes);
  }
  ground.say(`memory after each tenth: ${seen.map(mb).join(', ')}`);
  return { from: median(seen.slice(0, 3)), to: median(seen.slice(-3)), count };
}

/** At least so many; gives how many they were. */
async function send(ground: Ground, target: Target, requests: number): Promise<number> {
  let sent = 0;
  while (sent < requests) sent += (await applyLoad(ground, target, { connections: 16, seconds: 1 })).requests;
  return sent;
}

function describe({ residentBytes, ownBytes }: Memory): string {
  return `${mb(residentBytes)} RSS (${mb(ownBytes)} its own)`;
}

function megabytes(bytes: number): number {
  return bytes / 1024 / 1024;
}
