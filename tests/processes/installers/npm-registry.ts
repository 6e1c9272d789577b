import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { type Header, pack } from 'tar-stream';

/** An entry of a package: the content of a file, or any kind of entry that an archive can hold. */
type Entry = string | (Partial<Omit<Header, 'name'>> & { readonly content?: string });

/** A package registry of the tests' own, that notes what it is asked. */
export interface Registry extends AsyncDisposable {
  readonly url: string;
  readonly host: string;
  /** Path and login of each request, `GET /name token`. */
  readonly requests: readonly string[];
  publish(
    name: string,
    version: string,
    manifest: object,
    entries?: Readonly<Record<string, Entry>>,
  ): Promise<void>;
  /** A package whose archive is as it is given. */
  publishArchive(name: string, version: string, manifest: object, archive: Uint8Array): void;
  /** From now on it answers nothing; resolves with the first request. */
  hang(): Promise<void>;
}

/** `main.mjs` of a server that does nothing but wait. */
export const IDLE = 'setInterval(() => undefined, 1000);\n';

export function openRegistry(): Registry {
  const packages = new Map<
    string,
    Map<string, { readonly manifest: object; readonly archive: Uint8Array }>
  >();
  const requests: string[] = [];
  let hanging: (() => void) | undefined;
  const server: Bun.Server<undefined> = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    idleTimeout: 0,
    fetch(request): Response | Promise<Response> {
      const path = decodeURIComponent(new URL(request.url).pathname);
      requests.push(`${request.method} ${path} ${request.headers.get('authorization') ?? ''}`.trim());
      if (hanging !== undefined) {
        hanging();
        return new Promise<Response>(() => undefined);
      }
      const [, name = '', version = ''] = /^\/(.+)\/-\/(.+)\.tgz$/.exec(path) ?? [];
      const found = packages.get(name)?.get(version);
      if (found !== undefined) return new Response(found.archive.slice());
      const versions = packages.get(path.slice(1));
      if (versions === undefined) return Response.json({ error: 'not found' }, { status: 404 });
      const described = [...versions].map(([each, { manifest, archive }]) => {
        const hash = createHash('sha512').update(archive).digest('base64');
        const dist = { tarball: `${server.url}${path.slice(1)}/-/${each}.tgz`, integrity: `sha512-${hash}` };
        return [each, { ...manifest, dist }] as const;
      });
      return Response.json({
        name: path.slice(1),
        'dist-tags': { latest: described.at(-1)?.[0] },
        versions: Object.fromEntries(described),
      });
    },
  });
  const publishArchive: Registry['publishArchive'] = (name, version, manifest, archive) => {
    const versions = packages.get(name) ?? new Map();
    packages.set(name, versions.set(version, { manifest: { name, version, ...manifest }, archive }));
  };
  return {
    url: server.url.href,
    host: server.url.host,
    requests,
    publishArchive,
    async publish(name, version, manifest, entries = { 'main.js': IDLE }) {
      const whole = { name, version, ...manifest };
      publishArchive(
        name,
        version,
        manifest,
        await archiveOf({ 'package.json': JSON.stringify(whole), ...entries }),
      );
    },
    hang: () => new Promise((resolve) => (hanging = resolve)),
    [Symbol.asyncDispose]: () => server.stop(true),
  };
}

/** A package as registries have it. */
async function archiveOf(entries: Readonly<Record<string, Entry>>): Promise<Uint8Array> {
  const tar = pack();
  for (const [name, entry] of Object.entries(entries)) {
    const { content = '', ...header } = typeof entry === 'string' ? { content: entry } : entry;
    tar.entry({ mode: 0o644, ...header, name: `package/${name}` }, content);
  }
  tar.finalize();
  const chunks: Uint8Array[] = [];
  for await (const chunk of tar) chunks.push(chunk as Uint8Array);
  return gzipSync(Buffer.concat(chunks));
}
