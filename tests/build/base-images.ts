import { createHash } from 'node:crypto';
import { chmod, cp, mkdir, realpath, rename, rm, stat, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Engine } from '../../src/engine/index.ts';

/** A Debian with git, Python, pip, node, npm and Go: no tests can pull one, so it is made of this machine's own. */
const FULL_BASE = 'thv-test/packages-debian';
/** busybox, node and npm, and neither apk nor apt-get. */
const SMALL_BASE = 'thv-test/packages-busybox';

/** Without Go on this machine the images have none either, and what builds Go programs is left out. */
export const HAS_GO = Bun.which('go') !== null;

const CACHE = join(import.meta.dir, '..', '..', '.cache', 'tests');

/** The reference under which the engine has it. Takes a minute the first time, then seconds. */
export const fullBase = (engine: Engine) => ensureImage(engine, FULL_BASE, fillFull);
export const smallBase = (engine: Engine) => ensureImage(engine, SMALL_BASE, fillSmall);

/** `changes`: instructions of a Dockerfile that say how it is run. */
export async function ensureImage(
  engine: Engine,
  name: string,
  fill: (root: string) => Promise<void>,
  changes: readonly string[] = [],
): Promise<string> {
  const key = await contentKey(fill);
  const image = `${name}:${key}`;
  if ((await engine.images.find(image)) !== undefined) return image;
  // Images that differ in how they are run only share their content.
  const tar = join(CACHE, `${fill.name}-${key}.tar`);
  if (!(await Bun.file(tar).exists())) await makeTar(tar, fill);
  const query = new URLSearchParams({ fromSrc: '-' });
  for (const change of changes) query.append('changes', change);
  const response = await fetch(`http://engine/v${engine.apiVersion}/images/create?${query}`, {
    method: 'POST',
    unix: engine.address,
    headers: { 'Content-Type': 'application/x-tar' },
    body: Bun.file(tar),
    timeout: false,
  });
  const report = await response.text();
  const id = /sha256:[0-9a-f]{64}/.exec(report)?.[0];
  if (id === undefined) throw new Error(`the base image was not imported: ${report}`);
  await engine.images.tag(id, image);
  return image;
}

/** By what the images are made of. */
async function contentKey(fill: (root: string) => Promise<void>): Promise<string> {
  const hash = createHash('sha256').update(`${fill}${addNode}`);
  const programs = [await programFile('node'), ...(HAS_GO ? [await programFile('go')] : [])];
  for (const program of programs) hash.update(`${program} ${(await stat(program)).mtimeMs}`);
  return hash.digest('hex').slice(0, 12);
}

async function makeTar(tar: string, fill: (root: string) => Promise<void>): Promise<void> {
  const root = `${tar}.${process.pid}`;
  await mkdir(root, { recursive: true });
  try {
    await fill(root);
    await run('tar', '-C', root, '--owner=0', '--group=0', '-cf', `${root}.tar`, '.');
    await rename(`${root}.tar`, tar);
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

async function fillFull(root: string): Promise<void> {
  await run(
    'debootstrap',
    '--variant=minbase',
    '--include=ca-certificates,git,python3,python3-pip',
    'bookworm',
    root,
  );
  for (const path of [
    'var/cache/apt',
    'var/lib/apt/lists',
    'usr/share/doc',
    'usr/share/locale',
    'usr/share/man',
  ])
    await rm(join(root, path), { recursive: true, force: true });
  await mkdir(join(root, 'var/lib/apt/lists/partial'), { recursive: true });
  await addNode(root);
  if (!HAS_GO) return;
  const go = dirname(dirname(await programFile('go')));
  for (const part of ['bin', 'pkg', 'src', 'VERSION', 'go.env'])
    await cp(join(go, part), join(root, 'usr/local/go', part), { recursive: true });
  await symlink('../local/go/bin/go', join(root, 'usr/bin/go'));
  // Otherwise every image of a Go program compiles most of the standard library first.
  const env = { ...process.env, CGO_ENABLED: '0', GOFLAGS: '', GOCACHE: join(root, 'root/.cache/go-build') };
  await Bun.$`go build net/http`.env(env).quiet();
}

async function fillSmall(root: string): Promise<void> {
  await mkdir(join(root, 'bin'), { recursive: true });
  await mkdir(join(root, 'etc'));
  await mkdir(join(root, 'root'));
  await mkdir(join(root, 'tmp'));
  await chmod(join(root, 'tmp'), 0o1777);
  await Bun.write(join(root, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\n');
  await Bun.write(join(root, 'etc/group'), 'root:x:0:\n');
  const busybox = await programFile('busybox');
  await cp(busybox, join(root, 'bin/busybox'));
  const applets = [
    'sh',
    'env',
    'cat',
    'cp',
    'mkdir',
    'chmod',
    'chown',
    'grep',
    'tail',
    'echo',
    'ls',
    'rm',
    'sed',
  ];
  for (const applet of applets) await symlink('busybox', join(root, 'bin', applet));
  await mkdir(join(root, 'usr/bin'), { recursive: true });
  await symlink('/bin/busybox', join(root, 'usr/bin/env'));
  const node = await programFile('node');
  for (const [, library = ''] of (await run('ldd', node)).matchAll(/(\/\S+) \(0x/g)) {
    await mkdir(join(root, dirname(library)), { recursive: true });
    await cp(await realpath(library), join(root, library));
  }
  await addNode(root);
}

async function addNode(root: string): Promise<void> {
  const bin = join(root, 'usr/bin');
  await mkdir(bin, { recursive: true });
  await cp(await programFile('node'), join(bin, 'node'));
  // `<prefix>/lib/node_modules/npm/bin/npm-cli.js`
  const npm = dirname(dirname(await programFile('npm')));
  await cp(npm, join(root, 'usr/lib/node_modules/npm'), { recursive: true });
  for (const name of ['npm', 'npx'])
    await symlink(`../lib/node_modules/npm/bin/${name}-cli.js`, join(bin, name));
}

async function programFile(name: string): Promise<string> {
  const found = Bun.which(name);
  if (found === null) throw new Error(`${name} is needed for the base images`);
  return realpath(found);
}

async function run(...command: readonly string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await Bun.$`${[...command]}`.quiet().nothrow();
  if (exitCode !== 0)
    throw new Error(`${command.join(' ')} failed: ${stdout.slice(-2000)}${stderr.slice(-2000)}`);
  return stdout.toString();
}
