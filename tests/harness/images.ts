import { createHash } from 'node:crypto';
import { cp, mkdir, readdir, realpath, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type EngineAddress, engineRequest } from './engine.ts';

/** `@modelcontextprotocol/server-everything`; its first argument or `MCP_TRANSPORT` chooses the transport. */
export const EVERYTHING_IMAGE = 'thv-test/everything:1';
/** The misbehaving servers of `tests/fixtures/misbehaving/server.mjs`, chosen by the first argument. */
export const FIXTURE_IMAGE = 'thv-test/fixture:1';

const FIXTURES = join(import.meta.dir, '..', 'fixtures');
const CONFORMANCE = join(import.meta.dir, '..', 'conformance', 'fixtures');

/** The server of `tests/conformance/fixtures`, over stdio. */
export const CONFORMANCE_IMAGE = 'thv-test/conformance:1';

/** All images in one docker-archive, made without a base image: node of this machine with its libraries, and the servers. */
export interface ImageArchive {
  readonly path: string;
  readonly images: readonly Image[];
}

interface Image {
  readonly reference: string;
  /** File of the archive's folder. */
  readonly config: string;
  /** Digest of the configuration, which is the image's id in an engine. */
  readonly id: string;
  readonly layers: readonly Layer[];
}

interface Layer {
  /** File of the archive's folder. */
  readonly file: string;
  readonly digest: string;
  readonly sizeBytes: number;
}

/** Needs Linux, GNU tar and `ldd`. Made once per content: a second call with the same fixtures and node finds it in `cache`. */
export async function buildImages(cache: string): Promise<ImageArchive> {
  if (process.platform !== 'linux') throw new Error('their images are made of the node of a Linux machine');
  const node = await realpath(process.env['THV_TEST_NODE'] ?? Bun.which('node') ?? '/usr/bin/node');
  const folder = join(cache, `images-${await contentKey(node)}`);
  const description = join(folder, 'archive.json');
  if (await Bun.file(description).exists()) return Bun.file(description).json();

  const scratch = join(cache, `images.${process.pid}`);
  await rm(scratch, { recursive: true, force: true });
  await mkdir(scratch, { recursive: true });
  try {
    const runtime = await layer(scratch, 'runtime', (root) => addNode(root, node));
    const everything = await layer(scratch, 'everything', addEverything);
    const fixture = await layer(scratch, 'fixture', (root) =>
      cp(join(FIXTURES, 'misbehaving'), join(root, 'app'), { recursive: true }),
    );
    const conformance = await layer(scratch, 'conformance', addConformance);
    const images = [
      await image(scratch, EVERYTHING_IMAGE, [runtime, everything], ['/bin/node', '/app/start.mjs']),
      await image(scratch, FIXTURE_IMAGE, [runtime, fixture], ['/bin/node', '/app/server.mjs']),
      await image(scratch, CONFORMANCE_IMAGE, [runtime, conformance], ['/bin/node', '/app/stdio.js']),
    ];
    await Bun.write(
      join(scratch, 'manifest.json'),
      JSON.stringify(
        images.map(({ reference, config, layers }) => ({
          Config: config,
          RepoTags: [reference],
          Layers: layers.map(({ file }) => file),
        })),
      ),
    );
    const files = [
      ...new Set([
        'manifest.json',
        ...images.flatMap(({ config, layers }) => [config, ...layers.map(({ file }) => file)]),
      ]),
    ];
    await run(['tar', '-C', scratch, '-cf', join(scratch, 'images.tar'), ...files]);
    await Bun.write(
      join(scratch, 'archive.json'),
      JSON.stringify({ path: join(folder, 'images.tar'), images }),
    );
    await rm(folder, { recursive: true, force: true });
    await rename(scratch, folder);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
  return Bun.file(description).json();
}

/** Makes the images known to an engine that has them not. */
export async function loadImages(archive: ImageArchive, engine: EngineAddress): Promise<void> {
  const known = await Promise.all(
    archive.images.map(async ({ reference, id }) => {
      const response = await engineRequest(engine, 'GET', `/images/${reference}/json`);
      return response.ok && ((await response.json()) as { Id: string }).Id === id;
    }),
  );
  if (known.every(Boolean)) return;
  const response = await engineRequest(
    engine,
    'POST',
    '/images/load?quiet=1',
    Bun.file(archive.path),
    'application/x-tar',
  );
  const report = await response.text();
  if (!response.ok || report.includes('"error"'))
    throw new Error(`${engine.kind} refused the test images: ${report}`);
}

/** Pushes one image into a registry (`host:port`, plain HTTP) under its own name. */
export async function pushImage(archive: ImageArchive, reference: string, registry: string): Promise<void> {
  const image = archive.images.find((candidate) => candidate.reference === reference);
  if (image === undefined) throw new Error(`the archive holds no ${reference}`);
  const [name, tag] = reference.split(':');
  const base = `http://${registry}/v2/${name}`;
  const config = Bun.file(join(dirname(archive.path), image.config));
  await pushBlob(base, image.id, config);
  for (const { digest, file } of image.layers)
    await pushBlob(base, digest, Bun.file(join(dirname(archive.path), file)));
  const manifest = {
    schemaVersion: 2,
    mediaType: 'application/vnd.docker.distribution.manifest.v2+json',
    config: {
      mediaType: 'application/vnd.docker.container.image.v1+json',
      digest: image.id,
      size: config.size,
    },
    layers: image.layers.map(({ digest, sizeBytes }) => ({
      mediaType: 'application/vnd.docker.image.rootfs.diff.tar',
      digest,
      size: sizeBytes,
    })),
  };
  await expectOk(
    fetch(`${base}/manifests/${tag}`, {
      method: 'PUT',
      headers: { 'content-type': manifest.mediaType },
      body: JSON.stringify(manifest),
    }),
  );
}

async function pushBlob(base: string, digest: string, content: Bun.BunFile): Promise<void> {
  if ((await fetch(`${base}/blobs/${digest}`, { method: 'HEAD' })).ok) return;
  const upload = await expectOk(fetch(`${base}/blobs/uploads/`, { method: 'POST' }));
  const location = new URL(upload.headers.get('location') ?? '', base);
  location.searchParams.set('digest', digest);
  await expectOk(
    fetch(location, {
      method: 'PUT',
      headers: { 'content-type': 'application/octet-stream' },
      body: content,
    }),
  );
}

async function expectOk(pending: Promise<Response>): Promise<Response> {
  const response = await pending;
  if (!response.ok) throw new Error(`${response.url}: ${response.status} ${await response.text()}`);
  return response;
}

async function addNode(root: string, node: string): Promise<void> {
  await copyTo(root, node, '/bin/node');
  // `name => /path (address)`, or `/path (address)` for the loader.
  const libraries = (await run(['ldd', node])).matchAll(/(\/\S+) \(0x/g);
  for (const [, library = ''] of libraries) await copyTo(root, library, library);
  await mkdir(join(root, 'tmp'), { mode: 0o1777 });
  await Bun.write(join(root, 'etc/passwd'), 'root:x:0:0:root:/:/bin/false\n');
}

async function copyTo(root: string, from: string, to: string): Promise<void> {
  await mkdir(dirname(join(root, to)), { recursive: true });
  await cp(await realpath(from), join(root, to));
}

async function addEverything(root: string): Promise<void> {
  await cp(join(FIXTURES, 'everything'), join(root, 'app'), { recursive: true });
  await run([process.execPath, 'install', '--frozen-lockfile', '--ignore-scripts'], join(root, 'app'));
}

async function addConformance(root: string): Promise<void> {
  const outdir = join(root, 'app');
  const target = ['--target', 'node', '--format', 'esm', '--outdir', outdir];
  await run([process.execPath, 'build', join(CONFORMANCE, 'stdio.ts'), ...target]);
  await Bun.write(join(outdir, 'package.json'), '{"type":"module"}');
}

async function layer(
  scratch: string,
  name: string,
  fill: (root: string) => Promise<unknown>,
): Promise<Layer> {
  const root = join(scratch, name);
  await mkdir(root);
  await fill(root);
  const file = `${name}.tar`;
  const same = ['--sort=name', '--mtime=@0', '--owner=0', '--group=0', '--numeric-owner'];
  await run(['tar', ...same, '-C', root, '-cf', join(scratch, file), '.']);
  await rm(root, { recursive: true });
  return {
    file,
    digest: await digestOf(join(scratch, file)),
    sizeBytes: (await stat(join(scratch, file))).size,
  };
}

async function image(
  scratch: string,
  reference: string,
  layers: readonly Layer[],
  entrypoint: readonly string[],
): Promise<Image> {
  const config = `${layers.at(-1)?.file.replace('.tar', '')}.json`;
  await Bun.write(
    join(scratch, config),
    JSON.stringify({
      architecture: process.arch === 'x64' ? 'amd64' : process.arch,
      os: 'linux',
      config: { Entrypoint: entrypoint, Env: ['PATH=/bin'], WorkingDir: '/app' },
      rootfs: { type: 'layers', diff_ids: layers.map(({ digest }) => digest) },
    }),
  );
  return { reference, config, id: await digestOf(join(scratch, config)), layers };
}

async function digestOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of Bun.file(path).stream()) hash.update(chunk);
  return `sha256:${hash.digest('hex')}`;
}

/** Changes when this file, a fixture, or node changes. */
async function contentKey(node: string): Promise<string> {
  const hash = createHash('sha256');
  const { size, mtimeMs } = await stat(node);
  hash.update(`${node} ${size} ${mtimeMs}`);
  hash.update(await Bun.file(import.meta.path).bytes());
  for (const folder of [FIXTURES, CONFORMANCE]) {
    for (const name of (await readdir(folder, { recursive: true })).sort()) {
      if (name.includes('node_modules') || (await stat(join(folder, name))).isDirectory()) continue;
      hash.update(name).update(await Bun.file(join(folder, name)).bytes());
    }
  }
  return hash.digest('hex').slice(0, 16);
}

async function run(command: readonly string[], cwd = '.'): Promise<string> {
  const child = Bun.spawn([...command], { cwd, stdout: 'pipe', stderr: 'pipe' });
  const [stdout, stderr, exitCode] = await Promise.all([
    child.stdout.text(),
    child.stderr.text(),
    child.exited,
  ]);
  if (exitCode !== 0) throw new Error(`${command.join(' ')} exited with ${exitCode}: ${stderr}`);
  return stdout;
}
