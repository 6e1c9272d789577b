import { FIXTURE_IMAGE } from '../../tests/harness/images.ts';
import { freePort } from '../../tests/harness/ports.ts';
import { message, post } from '../../tests/harness/raw-client.ts';
import type { World } from '../../tests/harness/world.ts';
import { askEngine, openRawStdio } from './bare-container.ts';
import { type Ground, openHome } from './ground.ts';
import { atMost, median, ms, type Row } from './table.ts';

const REPEATS = 5;
const MAX_MS = 150;
const GIVE_UP_MS = 30_000;

/**
 * `thv run` of a local image to the first answered `initialize`, and the same container with the same server by the bare
 * engine. What lies between is ours: the command, the host, the attach and the bridge.
 */
export async function benchRun(ground: Ground): Promise<readonly Row[]> {
  const repeats = ground.settings.repeats ?? REPEATS;
  await using warm = await openHome(ground);
  await run(ground, warm, 'first'); // leaves its host running, and fills the caches
  const taken = { warm: [] as number[], cold: [] as number[], start: [] as number[], answer: [] as number[] };
  for (let round = 0; round < repeats; round++) {
    ground.signal.throwIfAborted();
    const { elapsedMs, name } = await run(ground, warm, `r${round}`);
    taken.warm.push(elapsedMs);
    const bare = await startBare(ground, name);
    taken.start.push(bare.startedMs);
    taken.answer.push(bare.answeredMs);
    await warm.ok(['rm', name]);
    await using cold = await openHome(ground);
    taken.cold.push((await run(ground, cold, 'c')).elapsedMs);
  }
  const start = median(taken.start);
  const answer = median(taken.answer);
  const cases = [
    ['host is running', median(taken.warm)],
    ['host must be started too', median(taken.cold)],
  ] as const;
  return cases.flatMap(([name, total]) => [
    {
      metric: `thv run, ${name}`,
      thv: ms(total),
      peer: `bare engine: ${ms(start)} create and start, ${ms(answer)} until the server answers`,
      ratio: total / answer,
    },
    {
      metric: '— without create and start',
      thv: ms(total - start),
      budget: atMost(total - start, MAX_MS, ' ms'),
    },
    {
      metric: "— without the server's own start either",
      thv: ms(total - answer),
      budget: atMost(total - answer, MAX_MS, ' ms'),
    },
  ]);
}

/** Time to the answer; the port is known beforehand, so nobody waits for the command to end. */
export async function run(
  ground: Ground,
  home: World,
  label: string,
  words: readonly string[] = [FIXTURE_IMAGE, '--', 'echo'],
): Promise<{ readonly elapsedMs: number; readonly name: string }> {
  const name = home.name(label);
  const port = freePort();
  const startedAt = performance.now();
  const command = home.start([
    ...['run', '--name', name, '--transport', 'stdio', '--proxy-port', `${port}`],
    ...words,
  ]);
  const url = `http://127.0.0.1:${port}/mcp`;
  let elapsedMs: number | undefined;
  while (elapsedMs === undefined) {
    ground.signal.throwIfAborted();
    const answered = await initialize(url);
    const now = performance.now() - startedAt;
    if (answered) elapsedMs = now;
    else if (now > GIVE_UP_MS) throw new Error(`${name} does not answer`);
    else await Bun.sleep(2);
  }
  const { exitCode, stderr } = await command.finished();
  if (exitCode !== 0) throw new Error(`thv run failed: ${stderr}`);
  return { elapsedMs, name };
}

async function initialize(url: string): Promise<boolean> {
  try {
    const response = await post(url, INITIALIZE);
    return (await response.text()).includes('"serverInfo"') && response.ok;
  } catch {
    return false; // nobody listens yet
  }
}

export const INITIALIZE = message({
  id: 0,
  method: 'initialize',
  params: {
    protocolVersion: '2025-06-18',
    capabilities: {},
    clientInfo: { name: 'bench', version: '1' },
  },
});

/** A twin of a container of thv's, started by nobody but us. */
async function startBare(
  { engine }: Ground,
  original: string,
): Promise<{ readonly startedMs: number; readonly answeredMs: number }> {
  const model = await engine.inspect(original);
  if (model === undefined) throw new Error(`no container ${original}`);
  const name = `${original}-twin`;
  const { Image, Entrypoint, Cmd, Env, OpenStdin, AttachStdin, AttachStdout, AttachStderr, Tty } =
    model.Config;
  const settings = { Image, Entrypoint, Cmd, Env, OpenStdin, AttachStdin, AttachStdout, AttachStderr, Tty };
  const answered = Promise.withResolvers<void>();
  let text = '';
  const startedAt = performance.now();
  try {
    await askEngine(engine, 'POST', `/containers/create?name=${name}`, {
      ...settings,
      StdinOnce: false,
      HostConfig: model.HostConfig,
    });
    await using stdio = await openRawStdio(engine, name, (bytes) => {
      text += bytes.toString('latin1');
      if (text.includes('"serverInfo"')) answered.resolve();
    });
    stdio.write(`${INITIALIZE}\n`);
    await askEngine(engine, 'POST', `/containers/${name}/start`);
    const startedMs = performance.now() - startedAt;
    const late = Bun.sleep(GIVE_UP_MS).then(() => Promise.reject(new Error(`${name} does not answer`)));
    await Promise.race([answered.promise, stdio.ended, late]);
    return { startedMs, answeredMs: performance.now() - startedAt };
  } finally {
    await engine.remove(name);
  }
}
