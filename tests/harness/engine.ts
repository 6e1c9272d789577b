import { existsSync } from 'node:fs';
import type Docker from 'dockerode';

/** A container engine the suites run against, behind its Docker-compatible socket. */
export interface EngineAddress {
  readonly kind: 'docker' | 'podman';
  readonly socket: string;
}

/** One request of the Engine API; the suites look at containers through this, never through the program under test. */
export function engineRequest(
  engine: EngineAddress,
  method: 'GET' | 'POST' | 'DELETE',
  path: string,
  body?: Bun.BodyInit,
  contentType = 'application/json',
): Promise<Response> {
  return fetch(`http://engine/v1.41${path}`, {
    method,
    unix: engine.socket,
    ...(body === undefined ? {} : { body, headers: { 'content-type': contentType } }),
    // A pooled connection may be one that the engine has just closed.
    keepalive: false,
  });
}

/** Asked for 3 s at most; a socket nobody listens on is no engine. */
export async function isAnswering(engine: EngineAddress): Promise<boolean> {
  if (!existsSync(engine.socket)) return false;
  const answer = engineRequest(engine, 'GET', '/version').then(
    ({ ok }) => ok,
    () => false,
  );
  return Promise.race([answer, Bun.sleep(3000).then(() => false)]);
}

export interface Engine extends EngineAddress {
  /** `undefined` when there is no such container. */
  inspect(name: string): Promise<Docker.ContainerInspectInfo | undefined>;
  /** All containers whose name begins with `prefix`, stopped ones too. */
  named(prefix: string): Promise<readonly Docker.ContainerInfo[]>;
  /** Behind the program's back. A container that is gone or not running is fine. */
  kill(name: string): Promise<void>;
  remove(name: string): Promise<void>;
  /** Removes an image's name; a name that is not known is fine. */
  forget(image: string): Promise<void>;
}

export function createEngine(address: EngineAddress): Engine {
  return {
    ...address,
    async inspect(name) {
      const response = await accepted(engineRequest(address, 'GET', `/containers/${name}/json`), 404);
      return response.ok ? ((await response.json()) as Docker.ContainerInspectInfo) : undefined;
    },
    async named(prefix) {
      const filters = encodeURIComponent(JSON.stringify({ name: [`^/?${prefix}`] }));
      const response = await accepted(
        engineRequest(address, 'GET', `/containers/json?all=1&filters=${filters}`),
      );
      return (await response.json()) as readonly Docker.ContainerInfo[];
    },
    async kill(name) {
      await accepted(engineRequest(address, 'POST', `/containers/${name}/kill`), 404, 409);
    },
    async remove(name) {
      await accepted(engineRequest(address, 'DELETE', `/containers/${name}?force=1&v=1`), 404, 409);
    },
    async forget(image) {
      await accepted(engineRequest(address, 'DELETE', `/images/${image}?force=1`), 404);
    },
  };
}

async function accepted(pending: Promise<Response>, ...alsoFine: readonly number[]): Promise<Response> {
  const response = await pending;
  if (!response.ok && !alsoFine.includes(response.status))
    throw new Error(`engine answered ${response.status} to ${response.url}: ${await response.text()}`);
  return response;
}
