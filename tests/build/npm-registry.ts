import { createHash } from 'node:crypto';
import { pack } from 'tar-stream';

/** An npm registry of its own that containers reach too, with one package, for those who bring the token. */
export interface NpmRegistry extends AsyncDisposable {
  /** As containers on the engine's bridge see it. */
  readonly url: string;
  /** `//host:port/`, as keys of `.npmrc` begin. */
  readonly nerfDart: string;
  /** Tarballs that were given out. */
  readonly downloads: number;
  /** From now on this is the latest; the server's tool answers with the version. */
  publish(version: string): Promise<void>;
  /** Takes requests and answers none; gives a promise of the first. */
  hang(): Promise<void>;
  fail(): void;
}

export const PACKAGE = '@corp/tiny-server';

/** `host`: an address of this machine that containers reach. */
export function startNpmRegistry(host: string, token: string): NpmRegistry {
  const tarballs = new Map<string, Uint8Array>();
  let downloads = 0;
  let mode: 'serve' | 'hang' | 'fail' = 'serve';
  const asked = Promise.withResolvers<void>();
  const server: Bun.Server<undefined> = Bun.serve({
    hostname: '0.0.0.0',
    port: 0,
    idleTimeout: 0,
    async fetch(request): Promise<Response> {
      if (mode === 'hang') {
        asked.resolve();
        return new Promise<Response>(() => undefined);
      }
      if (mode === 'fail') return new Response('no', { status: 404 });
      if (request.headers.get('authorization') !== `Bearer ${token}`)
        return new Response('who?', { status: 401 });
      const path = decodeURIComponent(new URL(request.url).pathname);
      const tarball = tarballs.get(/-(\d+\.\d+\.\d+)\.tgz$/.exec(path)?.[1] ?? '');
      if (tarball !== undefined) {
        downloads++;
        return new Response(tarball.slice());
      }
      return path === `/${PACKAGE}` ? Response.json(packument(url)) : new Response('none', { status: 404 });
    },
  });
  const url: string = `http://${host}:${server.port}/`;

  function packument(base: string) {
    const versions = [...tarballs].map(([version, tarball]) => [
      version,
      {
        name: PACKAGE,
        version,
        bin: { 'tiny-server': 'server.js' },
        dist: {
          tarball: `${base}${PACKAGE}/-/tiny-server-${version}.tgz`,
          integrity: `sha512-${createHash('sha512').update(tarball).digest('base64')}`,
        },
      },
    ]);
    return {
      name: PACKAGE,
      'dist-tags': { latest: [...tarballs.keys()].at(-1) },
      versions: Object.fromEntries(versions),
    };
  }

  return {
    url,
    nerfDart: url.replace('http:', ''),
    get downloads() {
      return downloads;
    },
    async publish(version) {
      tarballs.set(version, await serverPackage(version));
    },
    hang() {
      mode = 'hang';
      return asked.promise;
    },
    fail() {
      mode = 'fail';
    },
    async [Symbol.asyncDispose]() {
      await server.stop(true);
    },
  };
}

async function serverPackage(version: string): Promise<Uint8Array> {
  const tar = pack();
  const manifest = { name: PACKAGE, version, bin: { 'tiny-server': 'server.js' } };
  tar.entry({ name: 'package/package.json' }, JSON.stringify(manifest));
  tar.entry({ name: 'package/server.js', mode: 0o755 }, SERVER.replaceAll('VERSION', version));
  tar.finalize();
  const chunks: Uint8Array[] = [];
  for await (const chunk of tar as AsyncIterable<Uint8Array>) chunks.push(chunk);
  return Bun.gzipSync(Buffer.concat(chunks));
}

const SERVER = `#!/usr/bin/env node
require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method } = JSON.parse(line);
  if (id === undefined) return;
  const result = method === 'initialize'
    ? { protocolVersion: '2025-06-18', capabilities: { tools: {} }, serverInfo: { name: 'tiny', version: 'VERSION' } }
    : { content: [{ type: 'text', text: 'version VERSION' }] };
  console.log(JSON.stringify({ jsonrpc: '2.0', id, result }));
});
`;
