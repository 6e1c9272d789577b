import { callTool, openStreamable } from '../../tests/harness/raw-client.ts';
import { measureRawStdio } from './bare-container.ts';
import { type Ground, hostOf, openHome, runEcho, runEchoAsProcess } from './ground.ts';
import {
  applyLoad,
  DEFAULT_PAYLOAD_BYTES,
  describeLoad,
  type Load,
  type LoadOptions,
  processorUsOf,
  rateOf,
  sum,
  type Target,
} from './load.ts';
import { openPeer, PEERS } from './peers.ts';
import { atLeast, perSecond, type Row, us } from './table.ts';

const BUDGETS: Readonly<Record<(typeof PEERS)[number], number>> = { supergateway: 15, 'mcp-proxy': 10 };
const CONNECTIONS = [1, 16, 256] as const;
/** The number of clients for which the budgets are. */
const JUDGED = 16;

/**
 * One stdio server behind thv and behind each peer, as their child. Beside that, what a container costs: then every byte
 * goes through the engine, too.
 */
export async function benchStdio(ground: Ground): Promise<readonly Row[]> {
  await using contest = await openContest(ground);
  const rows: Row[] = [];
  for (const connections of CONNECTIONS) {
    const engine = await measureRawStdio(ground, connections, DEFAULT_PAYLOAD_BYTES);
    const { thv, contained, peers } = await contest.measure({
      connections,
      seconds: ground.settings.seconds,
    });
    for (const [name, load] of peers) {
      if (load === undefined) throw new Error(`${name} refuses a short message`);
      const ratio = rateOf(thv) / rateOf(load);
      rows.push({
        metric: `stdio → /mcp, ${connections} connection${connections === 1 ? '' : 's'}`,
        thv: describeLoad(thv),
        peer: `${name}: ${describeLoad(load)}`,
        ratio,
        ...(connections === JUDGED ? { budget: atLeast(ratio, BUDGETS[name], '×') } : {}),
      });
      if (connections !== JUDGED) continue;
      rows.push({
        metric: '— processor time of the proxy for each request',
        thv: us(processorUsOf(thv)),
        peer: `${name}: ${us(processorUsOf(load))}`,
        ratio: processorUsOf(thv) / processorUsOf(load),
      });
    }
    rows.push({
      metric: '— the server in a container',
      thv: describeLoad(contained),
      peer: `attach stream of the engine alone, as many outstanding: ${perSecond(engine)}`,
      ratio: rateOf(contained) / engine,
    });
  }
  return rows;
}

export interface Contest extends AsyncDisposable {
  /** Taking turns, round by round. A peer that refuses such messages has no load. */
  measure(options: LoadOptions): Promise<{
    readonly thv: Load;
    /** Behind thv, too, in a container. */
    readonly contained: Load;
    readonly peers: readonly (readonly [name: (typeof PEERS)[number], load: Load | undefined])[];
  }>;
}

/** All of them running, with a session each, and warm. */
export async function openContest(ground: Ground): Promise<Contest> {
  await using stack = new AsyncDisposableStack();
  const home = stack.use(await openHome(ground));
  const targets = new Map<'thv' | 'contained' | (typeof PEERS)[number], Target>();
  targets.set('thv', await openSession(stack, await runEchoAsProcess(home, 'plain'), await hostOf(home)));
  targets.set('contained', await openSession(stack, await runEcho(home, 'echo'), await hostOf(home)));
  for (const name of PEERS) {
    const peer = stack.use(await openPeer(ground, name));
    targets.set(name, await openSession(stack, peer.url, peer.processId));
  }
  for (const target of targets.values()) await applyLoad(ground, target, { connections: 16, seconds: 2 });

  const owned = stack.move();
  return {
    async measure(options) {
      const rounds = new Map([...targets.keys()].map((name) => [name, [] as Load[]]));
      const refusing = new Set<string>();
      for (const [name, target] of targets)
        if (!(await takes(target, options.payloadBytes ?? 0))) refusing.add(name);
      for (let round = 0; round < ground.settings.rounds; round++)
        for (const [name, target] of targets)
          if (!refusing.has(name)) rounds.get(name)?.push(await applyLoad(ground, target, options));
      return {
        thv: sum(rounds.get('thv') ?? []),
        contained: sum(rounds.get('contained') ?? []),
        peers: PEERS.map((name) => [name, refusing.has(name) ? undefined : sum(rounds.get(name) ?? [])]),
      };
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** A session that ends with the stack. Throws when the server does not echo. */
export async function openSession(
  stack: AsyncDisposableStack,
  url: string,
  processId: number,
): Promise<Target> {
  const client = stack.use(await openStreamable(url, true));
  const echoed = await callTool(client, 1, 'echo', { message: 'hello' });
  if (echoed !== 'hello') throw new Error(`${url} does not echo: ${echoed}`);
  return { url, sessionId: client.sessionId, processId };
}

/** Does it answer a message of that size? Only a plain refusal is a no. */
async function takes({ url, sessionId }: Target, payloadBytes: number): Promise<boolean> {
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-session-id': sessionId,
    },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: `size ${payloadBytes}`,
      method: 'tools/call',
      params: { name: 'echo', arguments: { message: 'x'.repeat(payloadBytes) } },
    }),
  });
  await response.arrayBuffer();
  return response.status !== 413;
}
