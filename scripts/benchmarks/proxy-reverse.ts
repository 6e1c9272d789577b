import { FIXTURE_IMAGE } from '../../tests/harness/images.ts';
import { openStreamable } from '../../tests/harness/raw-client.ts';
import type { World } from '../../tests/harness/world.ts';
import { type Ground, hostOf, openHome } from './ground.ts';
import {
  applyLoad,
  describeLoad,
  type Load,
  type LoadOptions,
  processorUsOf,
  rateOf,
  sum,
  type Target,
} from './load.ts';
import { openNginxProxy, openUpstream } from './nginx.ts';
import { atLeast, atMost, ms, type Row, us } from './table.ts';

const CONNECTIONS = [1, 16, 256] as const;
const JUDGED = 16;
const SIZES = [
  ['10 KB', 10_240],
  ['1 MB', 1_048_576],
] as const;
const MIN_RATIO = 0.6;
const MAX_ADDED_MS = 0.3;

/** One HTTP server behind thv's reverse proxy, behind nginx with one worker, and without anything before it. */
export async function benchReverse(ground: Ground): Promise<readonly Row[]> {
  const { seconds } = ground.settings;
  await using upstream = await openUpstream(
    ground,
    SIZES.map(([, bytes]) => bytes),
  );
  await using nginx = await openNginxProxy(ground, upstream.port);
  await using home = await openHome(ground);
  const url = await runBefore(home, upstream.port);
  const processId = await hostOf(home);
  const bases = {
    thv: { url, processId },
    nginx: { url: `http://127.0.0.1:${nginx.port}`, processId: nginx.processId },
    direct: { url: `http://127.0.0.1:${upstream.port}`, processId: upstream.processId },
  };
  // The session of the upstream becomes known to thv by this.
  const { sessionId } = await openStreamable(url);
  const at = (name: keyof typeof bases, path: string): Target => ({
    url: new URL(path, bases[name].url).href,
    sessionId,
    processId: bases[name].processId,
  });
  const measure = async (path: string, options: LoadOptions) => {
    const rounds = { thv: [] as Load[], nginx: [] as Load[] };
    for (let round = 0; round < ground.settings.rounds; round++)
      for (const name of ['thv', 'nginx'] as const)
        rounds[name].push(await applyLoad(ground, at(name, path), options));
    return { thv: sum(rounds.thv), nginx: sum(rounds.nginx) };
  };
  await applyLoad(ground, at('thv', '/mcp'), { connections: 16, seconds: 2 });

  const rows: Row[] = [];
  for (const connections of CONNECTIONS) {
    const loads = await measure('/mcp', { connections, seconds });
    const ratio = rateOf(loads.thv) / rateOf(loads.nginx);
    rows.push({
      metric: `reverse proxy, ${connections} connection${connections === 1 ? '' : 's'}`,
      thv: describeLoad(loads.thv),
      peer: `nginx: ${describeLoad(loads.nginx)}`,
      ratio,
      ...(connections === JUDGED ? { budget: atLeast(ratio, MIN_RATIO, '×') } : {}),
    });
    if (connections === JUDGED)
      rows.push({
        metric: '— processor time of the proxy for each request',
        thv: us(processorUsOf(loads.thv)),
        peer: `nginx: ${us(processorUsOf(loads.nginx))}`,
        ratio: processorUsOf(loads.thv) / processorUsOf(loads.nginx),
      });
    if (connections !== 1) continue;
    const direct = await applyLoad(ground, at('direct', '/mcp'), { connections, seconds });
    const added = {
      thv: loads.thv.p50Ms - direct.p50Ms,
      nginx: loads.nginx.p50Ms - direct.p50Ms,
    };
    rows.push({
      metric: `reverse proxy, added p50 (${ms(direct.p50Ms)} without)`,
      thv: ms(added.thv),
      peer: `nginx: ${ms(added.nginx)}`,
      ratio: added.thv / added.nginx,
      budget: atMost(added.thv, MAX_ADDED_MS, ' ms'),
    });
  }
  for (const [size, bytes] of SIZES) {
    const loads = await measure(upstream.pathFor(bytes), {
      connections: 16,
      seconds,
      payloadBytes: bytes,
    });
    rows.push({
      metric: `reverse proxy, ${size}, 16 connections`,
      thv: describeLoad(loads.thv),
      peer: `nginx: ${describeLoad(loads.nginx)}`,
      ratio: rateOf(loads.thv) / rateOf(loads.nginx),
    });
  }
  return rows;
}

/** A container that shares our network and does nothing, so that thv takes our upstream for its server. */
async function runBefore(home: World, port: number): Promise<string> {
  const name = home.name('reverse');
  const flags = ['--transport', 'streamable-http', '--network', 'host', '--target-port', `${port}`, '--wait'];
  await home.ok(['run', '--name', name, ...flags, FIXTURE_IMAGE, '--', 'ends', `${2 ** 31 - 1}`]);
  return (await home.reached(name)).url;
}
