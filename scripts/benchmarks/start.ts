import { join } from 'node:path';
import { environmentOf, type Ground, openHome, runEchoes, THV } from './ground.ts';
import { atMost, both, median, ms, type Row } from './table.ts';

const REPEATS = 20;
const MAX_RATIO = 2;
const MAX_MS = 60;

interface Command {
  readonly name: string;
  readonly words: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** Short commands against an executable that does nothing, taking turns. */
export async function benchStart(ground: Ground): Promise<readonly Row[]> {
  const { workloads, repeats = REPEATS } = ground.settings;
  const empty = await buildEmpty(ground);
  await using bare = await openHome(ground);
  await using full = await openHome(ground);
  await runEchoes(
    ground,
    full,
    Array.from({ length: workloads }, (_, index) => `l${index}`),
  );
  const env = environmentOf(bare, ground);
  const baseline: Command = { name: 'empty executable', words: [empty], env };
  const commands: readonly Command[] = [
    { name: 'thv version', words: [THV, 'version'], env },
    { name: 'thv --help', words: [THV, '--help'], env },
    { name: 'thv list, nothing runs', words: [THV, 'list'], env },
    {
      name: `thv list, ${workloads} workloads`,
      words: [THV, 'list'],
      env: environmentOf(full, ground),
    },
  ];
  const times = new Map([baseline, ...commands].map((command) => [command, [] as number[]]));
  for (let round = -1; round < repeats; round++) {
    for (const [command, taken] of times) {
      ground.signal.throwIfAborted();
      const elapsed = time(command);
      if (round >= 0) taken.push(elapsed); // the first fills the page cache
      // Lets a signal through.
      await ground.pause(1);
    }
  }
  const least = median(times.get(baseline) ?? []);
  return commands.map((command) => {
    const taken = median(times.get(command) ?? []);
    return {
      metric: command.name,
      thv: ms(taken),
      peer: `empty executable: ${ms(least)}`,
      ratio: taken / least,
      budget: both(atMost(taken / least, MAX_RATIO, '×'), atMost(taken, MAX_MS, ' ms')),
    };
  });
}

function time({ words, env, name }: Command): number {
  const startedAt = performance.now();
  const { exitCode } = Bun.spawnSync([...words], {
    env: { ...env },
    stdin: 'ignore',
    stdout: 'ignore',
    stderr: 'ignore',
  });
  const elapsed = performance.now() - startedAt;
  if (exitCode !== 0) throw new Error(`${name} exited with ${exitCode}`);
  return elapsed;
}

/** Compiled like the program (scripts/build.ts), of an empty module. */
async function buildEmpty(ground: Ground): Promise<string> {
  const source = join(ground.folder, 'empty.ts');
  const outfile = join(ground.folder, 'empty');
  await Bun.write(source, 'export {};\n');
  await Bun.build({
    entrypoints: [source],
    target: 'bun',
    format: 'esm',
    minify: true,
    bytecode: true,
    compile: {
      outfile,
      autoloadDotenv: false,
      autoloadBunfig: false,
      autoloadTsconfig: false,
      autoloadPackageJson: false,
    },
  });
  return outfile;
}
