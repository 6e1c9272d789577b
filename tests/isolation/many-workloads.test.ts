import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test';
import { onOneEngine } from '../harness/on-each-engine.ts';
import { runInside } from '../harness/run-inside.ts';
import { type IsolationGround, openGround } from './harness/ground.ts';

setDefaultTimeout(240_000);

const WORKLOADS = 30;
const BUDGET_MIB = 60;
const IDLE = 'setInterval(() => {}, 1e6)';

onOneEngine((under) => {
  let ground: IsolationGround;
  const workloads: { readonly name: string; readonly proxy: string; readonly host: string }[] = [];

  beforeAll(async () => {
    ground = await openGround(under);
    for (let index = 0; index < WORKLOADS; index++) {
      const name = ground.name();
      const host = `h${index}.test`;
      const network = await ground.network();
      const proxy = await ground.admit(name, network, { allow_host: [host] });
      // Some of them from the inside; the others are there to be taken for them.
      if (index % 6 === 0) await ground.run(name, IDLE, network);
      workloads.push({ name, proxy, host });
    }
  });
  afterAll(() => ground[Symbol.asyncDispose]());

  /** Granted hosts do not exist, which is another answer than a refusal. */
  async function rulesSeen(): Promise<readonly unknown[]> {
    const probed = workloads.filter((_, index) => index % 6 === 0);
    return await Promise.all(
      probed.map(({ name, proxy, host }) => {
        const others = workloads.filter((other) => other.host !== host).slice(0, 8);
        return ground.probe(name, {
          own: { kind: 'connect', proxy, to: `${host}:443` },
          ...Object.fromEntries(
            others.map((other) => [other.host, { kind: 'connect', proxy, to: `${other.host}:443` }]),
          ),
        });
      }),
    );
  }

  const isRight = (seen: unknown) => {
    const { own, ...others } = seen as Record<string, string>;
    return own === '502' && Object.values(others).every((status) => status === '403');
  };

  test(`${WORKLOADS} workloads have one sidecar, each with its own rules, within ${BUDGET_MIB} MiB`, async () => {
    expect((await rulesSeen()).every(isRight)).toBe(true);
    const [sidecar, ...more] = await ground.sidecars();
    expect(more).toEqual([]);
    const read = `process.stdout.write(JSON.stringify(Number(/VmRSS:\\s*(\\d+)/.exec(require('node:fs').readFileSync('/proc/1/status', 'utf8'))[1])))`;
    const residentKiB = await runInside(under, sidecar?.name ?? '', ['/thv', '-e', read]);
    process.stderr.write(`sidecar of ${WORKLOADS} workloads on ${under.kind}: ${residentKiB} KiB resident\n`);
    expect(Number(residentKiB) / 1024).toBeLessThanOrEqual(BUDGET_MIB);
  });

  test('killed, it has all rules again, and nobody has another’s', async () => {
    const [sidecar] = await ground.sidecars();
    await under.kill(sidecar?.name ?? '');
    const started = performance.now();
    for (;;) {
      const seen = await rulesSeen();
      if (seen.every(isRight)) break;
      for (const each of seen) {
        const { own: _, ...others } = each as Record<string, string>;
        expect(Object.values(others).every((status) => status !== '200' && status !== '502')).toBe(true);
      }
      if (performance.now() - started > 60_000) throw new Error(`not back: ${JSON.stringify(seen)}`);
    }
  });

  test('1,000 connections at once go through it', async () => {
    const script = `require('node:net').createServer((s) => s.pipe(s)).listen(9100, '0.0.0.0', () => process.stdout.write('1'))`;
    if (under.kind === 'podman') return; // the Podman of the tests gives a container 1,024 files
    const network = await ground.network();
    const echo = ground.name();
    await ground.admit(echo, network, {});
    await ground.run(echo, script, network);
    const sockets = await Promise.all(Array.from({ length: 1000 }, () => ground.sidecar.connect(echo, 9100)));
    const echoed = await Promise.all(
      sockets.map(async (socket, index) => {
        const answer = new Promise<string>((resolve, reject) =>
          socket.once('data', (bytes) => resolve(String(bytes))).once('error', reject),
        );
        socket.resume();
        socket.write(`line ${index}`);
        return (await answer) === `line ${index}`;
      }),
    );
    for (const socket of sockets) socket.destroy();
    expect(echoed.filter(Boolean).length).toBe(1000);
  });
});
