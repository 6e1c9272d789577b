import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { startDaemon } from '../../tests/harness/daemon.ts';
import { freePort } from '../../tests/harness/ports.ts';
import { CACHE, ECHO_COMMAND, type Ground, programOf, quoted } from './ground.ts';

/** A program of others that puts a stdio server behind streamable HTTP. */
export interface Peer extends AsyncDisposable {
  readonly name: string;
  readonly url: string;
  readonly processId: number;
}

/** What is compared with: the most recent versions when this was written. */
const VERSIONS = { supergateway: '4.0.0', 'mcp-proxy': '6.7.19' } as const;
type PeerName = keyof typeof VERSIONS;

export const PEERS = ['supergateway', 'mcp-proxy'] as const satisfies readonly PeerName[];

/**
 * How each is fastest: without logs and without a store of past events, and with sessions that keep their server, for
 * supergateway would start one for every request otherwise.
 */
function commandOf(name: PeerName, port: number): readonly string[] {
  const program = join(CACHE, 'peers', 'node_modules', '.bin', name);
  switch (name) {
    case 'supergateway':
      return [
        ...[program, '--stdio', ECHO_COMMAND.map(quoted).join(' ')],
        ...['--outputTransport', 'streamableHttp', '--stateful', '--logLevel', 'none', '--port', `${port}`],
      ];
    case 'mcp-proxy':
      return [
        ...[program, '--host', '127.0.0.1', '--port', `${port}`, '--server', 'stream', '--no-eventStore'],
        ...['--', ...ECHO_COMMAND],
      ];
  }
}

/** Installs it if need be, and starts it on a free port. */
export async function openPeer(ground: Ground, name: PeerName): Promise<Peer> {
  await installPeers(ground);
  ground.signal.throwIfAborted();
  const port = freePort();
  const url = `http://127.0.0.1:${port}/mcp`;
  const pidFile = join(ground.folder, `${name}.pid`);
  const daemon = await startDaemon(name, {
    command: ['sh', '-c', 'echo $$ > "$0"; exec "$@"', pidFile, 'node', ...commandOf(name, port)],
    folder: ground.folder,
    isReady: async () => (await fetch(url)).status > 0,
  });
  const processId = Number(await Bun.file(pidFile).text());
  return { name, url, processId, [Symbol.asyncDispose]: () => daemon[Symbol.asyncDispose]() };
}

async function installPeers(ground: Ground): Promise<void> {
  const folder = join(CACHE, 'peers');
  const wanted = Object.entries(VERSIONS);
  const present = await Promise.all(
    wanted.map(async ([name, version]) => {
      const manifest = Bun.file(join(folder, 'node_modules', name, 'package.json'));
      return (await manifest.exists()) && (await manifest.json()).version === version;
    }),
  );
  if (present.every(Boolean)) return;
  ground.say(`installing ${wanted.map(([name, version]) => `${name} ${version}`).join(' and ')}`);
  await mkdir(folder, { recursive: true });
  await Bun.write(join(folder, 'package.json'), JSON.stringify({ private: true }));
  const npm = Bun.spawn(
    [
      programOf('npm', 'npm'),
      ...['install', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error', '--save-exact'],
      ...wanted.map(([name, version]) => `${name}@${version}`),
    ],
    { cwd: folder, stdin: 'ignore', stdout: 'ignore', stderr: 'inherit', signal: ground.signal },
  );
  if ((await npm.exited) !== 0) throw new Error('npm could not install the peers');
}
