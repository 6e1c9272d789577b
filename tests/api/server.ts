import { waitFor } from '../harness/wait-for.ts';
import type { World } from '../harness/world.ts';
import { createContract, type OpenApiDocument } from './contract.ts';
import { describeApi } from './in-process.ts';

interface AskOptions {
  /** Anything but a text is sent as JSON. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The body as JSON; throws when it is none. */
  json<Value = Record<string, unknown>>(): Value;
}

/** A `thv serve` of a world, whose every answer is held against its own OpenAPI document. */
export interface ApiProcess extends AsyncDisposable {
  readonly url: string;
  readonly pid: number;
  readonly document: OpenApiDocument;
  readonly stderr: string;
  ask(method: string, path: string, options?: AskOptions): Promise<Reply>;
  /** Sends SIGTERM and gives the exit code. */
  end(): Promise<number>;
}

async function isRecorded(
  { state }: World,
  { XDG_STATE_HOME }: Readonly<Record<string, string | undefined>>,
  pid: number,
): Promise<boolean> {
  const folder = XDG_STATE_HOME === undefined ? state : `${XDG_STATE_HOME}/toolhive`;
  const file = Bun.file(`${folder}/server/server.json`);
  return (await file.exists()) && (await file.json()).pid === pid;
}

/** Starts it on a free port of loopback unless `args` say otherwise, and waits until it answers. */
export async function startApi(
  world: World,
  args: readonly string[] = [],
  env: Readonly<Record<string, string | undefined>> = {},
): Promise<ApiProcess> {
  const process = world.start(['serve', '--port', '0', '--openapi', ...args], { env });
  let exitCode: number | undefined;
  const ended = process.finished(600_000).then((result) => {
    exitCode = result.exitCode;
    return result.exitCode;
  });
  const address = await waitFor(
    async () => {
      if (exitCode !== undefined) throw new Error(`it ended with ${exitCode}: ${process.stderr}`);
      const found = /"msg":"starting server","type":"HTTP","address":"([^"]+)"/.exec(process.stderr)?.[1];
      // The address is recorded after connections are accepted, so a reader of the record gets an answer.
      return (await isRecorded(world, env, process.pid)) ? found : undefined;
    },
    (found) => found !== undefined || exitCode !== undefined,
    { what: 'thv serve listens' },
  );
  if (address === undefined) throw new Error(process.stderr);
  const url = `http://${address.replace(/^0\.0\.0\.0/, '127.0.0.1')}`;
  const published = await fetch(`${url}/api/openapi.json`);
  // With authentication the document is not for us; then the same is made here.
  const document: OpenApiDocument = published.ok
    ? ((await published.json()) as OpenApiDocument)
    : await describeApi();
  const hold = createContract(document);
  return {
    url,
    pid: process.pid,
    document,
    get stderr() {
      return process.stderr;
    },
    async ask(method, path, { body, headers = {} } = {}) {
      const response = await fetch(`${url}${path}`, {
        method,
        headers: { ...headers },
        keepalive: false,
        ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      });
      const text = await response.text();
      hold({
        method,
        path: path.replace(/\?.*$/, '').replace(/(?<=.)\/$/, ''),
        status: response.status,
        contentType: response.headers.get('content-type') ?? '',
        body: text,
      });
      return { status: response.status, headers: response.headers, text, json: () => JSON.parse(text) };
    },
    async end() {
      process.signal('SIGTERM');
      return ended;
    },
    async [Symbol.asyncDispose]() {
      process.signal('SIGTERM');
      await ended.catch(() => undefined); // killed because it hung: the test that cares asserts its end
    },
  };
}
