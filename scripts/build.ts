import { mkdir, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import manifest from '../package.json' with { type: 'json' };
import { onePasswordPlugin } from './one-password-plugin.ts';
import { sidecarPlugin } from './sidecar-plugin.ts';

const TARGETS = [
  'linux-x64',
  'linux-x64-musl',
  'linux-arm64',
  'linux-arm64-musl',
  'darwin-x64',
  'darwin-arm64',
  'windows-x64',
  'windows-arm64',
] as const;
type Target = (typeof TARGETS)[number];

const DIST = 'dist';

await mkdir(DIST, { recursive: true });
const targets = parseTargets(Bun.argv.slice(2));
// Taken before the sources are read: what changes while we build is newer than the stamp.
const startedAt = new Date();
if (targets.length === 0) {
  await build(undefined);
  await writeFile(join(DIST, '.built'), '');
  await utimes(join(DIST, '.built'), startedAt, startedAt);
}
for (const target of targets) await build(target);

/** One executable, put in place by a rename so that a running one keeps its file. */
async function build(target: Target | undefined): Promise<void> {
  const name = target === undefined ? 'thv' : `thv-${target}`;
  const suffix = (target ?? process.platform).startsWith('win') ? '.exe' : '';
  const scratch = join(DIST, `.${name}.${process.pid}`);
  try {
    await Bun.build({
      entrypoints: ['src/main.ts'],
      target: 'bun',
      format: 'esm',
      minify: true,
      bytecode: true,
      splitting: true, // a command loads its own code and nothing else
      sourcemap: 'linked', // embedded; the file beside the executable is not needed for stack traces
      define: buildFacts(),
      plugins: [await onePasswordPlugin(scratch), await sidecarPlugin(scratch)],
      loader: { '.zst': 'file' },
      compile: {
        ...(target === undefined ? {} : { target: `bun-${target}` }),
        outfile: join(scratch, `${name}${suffix}`),
        // An executable must not run code or take settings from the folder it happens to stand in.
        autoloadDotenv: false,
        autoloadBunfig: false,
        autoloadTsconfig: false,
        autoloadPackageJson: false,
      },
    });
    await rename(join(scratch, `${name}${suffix}`), join(DIST, `${name}${suffix}`));
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
  process.stderr.write(`build: ${DIST}/${name}${suffix}\n`);
}

function parseTargets(args: readonly string[]): readonly Target[] {
  if (args.length === 0) return [];
  if (args.length === 1 && args[0] === '--all') return TARGETS;
  const named =
    args.length === 2 && args[0] === '--target' ? TARGETS.find((target) => target === args[1]) : undefined;
  if (named !== undefined) return [named];
  process.stderr.write(`Usage: scripts/build [--if-changed] [--all | --target ${TARGETS.join('|')}]\n`);
  process.exit(1);
}

/** What the program says about itself; a fact that is not known stays undefined in the program. */
function buildFacts(): Record<string, string> {
  const commit = git('rev-parse', '--verify', '--quiet', 'HEAD');
  const released =
    process.env['THV_RELEASE'] === '1' ||
    git('tag', '--points-at', 'HEAD')?.split('\n').includes(`v${manifest.version}`);
  const version = released
    ? manifest.version
    : commit === undefined
      ? undefined
      : `build-${commit.slice(0, 8)}`;
  const facts = { THV_VERSION: version, THV_COMMIT: commit, THV_BUILD_DATE: new Date().toISOString() };
  return Object.fromEntries(
    Object.entries(facts).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, JSON.stringify(value)]],
    ),
  );
}

/** Output of a git command; `undefined` when it fails, there is no git, or this is no checkout. */
function git(...args: readonly string[]): string | undefined {
  if (Bun.which('git') === null) return undefined;
  const { exitCode, stdout } = Bun.spawnSync(['git', ...args], { stderr: 'ignore' });
  return exitCode === 0 && stdout.length > 0 ? stdout.toString().trim() : undefined;
}
