import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Engine } from '../../../src/engine/index.ts';
import { until } from './until.ts';

/** A registry of its own on 127.0.0.1, in plain http, empty. */
export interface Registry extends AsyncDisposable {
  /** `127.0.0.1:<port>` */
  readonly host: string;
}

const EXECUTABLE = process.env['THV_TEST_REGISTRY_PROGRAM'] ?? 'docker-registry';

const MANIFESTS =
  'application/vnd.docker.distribution.manifest.v2+json, application/vnd.oci.image.manifest.v1+json';

/** With `login`, the registry answers only to that name and password. */
export async function startRegistry(login?: {
  readonly username: string;
  readonly password: string;
}): Promise<Registry> {
  const folder = await mkdtemp(join(tmpdir(), 'thv-registry-'));
  const host = `127.0.0.1:${await freePort()}`;
  const users = join(folder, 'htpasswd');
  if (login !== undefined) {
    const hash = await Bun.password.hash(login.password, { algorithm: 'bcrypt', cost: 4 });
    await writeFile(users, `${login.username}:${hash}\n`);
  }
  const config = {
    version: '0.1',
    log: { level: 'error' },
    storage: { filesystem: { rootdirectory: join(folder, 'data') }, delete: { enabled: true } },
    http: { addr: host },
    ...(login === undefined ? {} : { auth: { htpasswd: { realm: 'test', path: users } } }),
  };
  await writeFile(join(folder, 'config.yml'), JSON.stringify(config)); // JSON is YAML
  const registry = Bun.spawn([EXECUTABLE, 'serve', join(folder, 'config.yml')], {
    stdout: 'ignore',
    stderr: 'ignore',
  });
  await until(
    () =>
      fetch(`http://${host}/v2/`).then(
        (response) => response.status,
        () => registry.exitCode,
      ),
    (status) => status === 200 || status === 401,
  );
  return {
    host,
    async [Symbol.asyncDispose]() {
      registry.kill();
      await registry.exited;
      await rm(folder, { recursive: true });
    },
  };
}

/** A registry that takes requests and answers none; `asked` resolves with the first. */
export function startSilentRegistry(): {
  readonly host: string;
  readonly asked: Promise<void>;
} & AsyncDisposable {
  const asked = Promise.withResolvers<void>();
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    idleTimeout: 0,
    fetch() {
      asked.resolve();
      return new Promise<Response>(() => undefined);
    },
  });
  return {
    host: `127.0.0.1:${server.port}`,
    asked: asked.promise,
    [Symbol.asyncDispose]: () => server.stop(true),
  };
}

/** Pushes what the engine has under `image`. */
export async function push(
  engine: Engine,
  image: string,
  login: { readonly username: string; readonly password: string } = { username: '', password: '' },
): Promise<void> {
  const [, name, tag] = /^(.+):([^:]+)$/.exec(image) ?? [];
  const response = await fetch(`http://engine/v${engine.apiVersion}/images/${name}/push?tag=${tag}`, {
    method: 'POST',
    unix: engine.address,
    headers: { 'X-Registry-Auth': btoa(JSON.stringify(login)).replaceAll('+', '-').replaceAll('/', '_') },
  });
  const text = await response.text();
  if (!response.ok || text.includes('"error"')) throw new Error(`the image was not pushed: ${text}`);
}

/** What the registry calls the manifest of `host/name:tag`. */
export async function digestOf(image: string): Promise<string> {
  const [, host, name, tag] = /^([^/]+)\/(.+):([^:]+)$/.exec(image) ?? [];
  const response = await fetch(`http://${host}/v2/${name}/manifests/${tag}`, {
    method: 'HEAD',
    headers: { Accept: MANIFESTS },
  });
  return response.headers.get('docker-content-digest') ?? '';
}

async function freePort(): Promise<number> {
  const listener = Bun.listen({ hostname: '127.0.0.1', port: 0, socket: { data() {} } });
  const { port } = listener;
  listener.stop(true);
  return port;
}
