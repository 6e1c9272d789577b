import { expect, test } from 'bun:test';
import { usageBelow, usageInListing } from './usage.ts';

const LISTING = `
    1     0    900
  100     1   1000
  101   100   2048
  103   102     16
  102   101   1024
  200     1  99999
`;

test('what ps tells of the processes below one is summed, in whatever order', () => {
  expect(usageInListing(LISTING, 100)).toEqual({ bytes: (2048 + 1024 + 16) * 1024, tasks: 3 });
  expect(usageInListing(LISTING, 200)).toEqual({ bytes: 0, tasks: 0 });
  expect(usageInListing('', 200)).toEqual({ bytes: 0, tasks: 0 });
});

test.skipIf(process.platform !== 'linux')('a tree of this machine is found, threads and all', async () => {
  const child = Bun.spawn(['sh', '-c', 'sleep 30 & sleep 30 & echo; wait'], { stdout: 'pipe' });
  await child.stdout.getReader().read();
  // They are two shells at first, which become two programs one after the other.
  for (let round = 0; (await namesBelow(child.pid)).some((name) => name !== 'sleep'); round++) {
    expect(round).toBeLessThan(500);
    await Bun.sleep(10);
  }
  const { tasks, bytes } = await usageBelow(child.pid, true);
  expect(tasks).toBe(2);
  expect(bytes).toBeGreaterThan(0);
  expect((await usageBelow(child.pid, false)).bytes).toBeGreaterThanOrEqual(bytes);
  await Bun.$`pkill -P ${child.pid}`.nothrow().quiet();
  await child.exited;
});

async function namesBelow(pid: number): Promise<readonly string[]> {
  const children = (await Bun.file(`/proc/${pid}/task/${pid}/children`).text()).split(' ').filter(Boolean);
  return Promise.all(children.map(async (child) => (await Bun.file(`/proc/${child}/comm`).text()).trim()));
}
