import type { Ground } from './ground.ts';
import { describeLoad, rateOf } from './load.ts';
import { openContest } from './proxy-stdio.ts';
import type { Row } from './table.ts';

const SIZES = [
  ['100 B', 100],
  ['10 KB', 10_240],
  ['1 MB', 1_048_576],
] as const;
const CONNECTIONS = 16;

/** Messages of several sizes, there and back, through what puts a stdio server behind HTTP. */
export async function benchPayloads(ground: Ground): Promise<readonly Row[]> {
  await using contest = await openContest(ground);
  const rows: Row[] = [];
  for (const [size, payloadBytes] of SIZES) {
    const { seconds } = ground.settings;
    const { thv, contained, peers } = await contest.measure({
      connections: CONNECTIONS,
      seconds,
      payloadBytes,
    });
    for (const [name, load] of peers) {
      rows.push({
        metric: `stdio → /mcp, ${size}, ${CONNECTIONS} connections`,
        thv: describeLoad(thv),
        peer: `${name}: ${load === undefined ? 'refuses it (413)' : describeLoad(load)}`,
        ...(load === undefined ? {} : { ratio: rateOf(thv) / rateOf(load) }),
      });
    }
    rows.push({ metric: '— the server in a container', thv: describeLoad(contained) });
  }
  return rows;
}
