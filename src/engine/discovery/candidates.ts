import { readdir } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { dockerContextCandidate } from './docker-context.ts';
import { parseDockerHost } from './docker-host.ts';
import type { HostFacts, SocketCandidate } from './types.ts';

/** One place where an engine's socket may be. Which engine answers there is asked, not guessed from the path. */
interface SocketSource {
  readonly origin: string;
  /** Folders and names of the path; the source does not apply when one is `undefined`. */
  readonly path: (host: HostFacts) => readonly (string | undefined)[];
}

const PODMAN: readonly SocketSource[] = [
  { origin: 'Podman, system', path: () => ['/var/run/podman/podman.sock'] },
  { origin: 'Podman, user', path: ({ env }) => [env['XDG_RUNTIME_DIR'], 'podman/podman.sock'] },
  {
    origin: 'Podman machine',
    path: ({ home }) => [home, '.local/share/containers/podman/machine/podman.sock'],
  },
];

const DOCKER: readonly SocketSource[] = [
  { origin: 'Docker, system', path: () => ['/var/run/docker.sock'] },
  { origin: 'Docker, rootless', path: ({ env }) => [env['XDG_RUNTIME_DIR'], 'docker.sock'] },
  { origin: 'Docker Desktop', path: ({ home }) => [home, '.docker/run/docker.sock'] },
  { origin: 'Docker Desktop for Linux', path: ({ home }) => [home, '.docker/desktop/docker.sock'] },
  { origin: 'Rancher Desktop', path: ({ home }) => [home, '.rd/docker.sock'] },
  { origin: 'OrbStack', path: ({ home }) => [home, '.orbstack/run/docker.sock'] },
];

const COLIMA: readonly SocketSource[] = [
  { origin: 'Colima', path: ({ home }) => [home, '.colima/default/docker.sock'] },
];

const WINDOWS_PIPES: readonly SocketCandidate[] = [
  { origin: 'Podman', address: '\\\\.\\pipe\\podman-api' },
  { origin: 'Docker', address: '\\\\.\\pipe\\docker_engine' },
];

/**
 * Every socket worth a try, in order: `DOCKER_HOST`, Podman, Docker, Colima (spec 03 §1.2, §1.3, §15-B1). The active Docker
 * context comes before Docker's usual places, because somebody chose it. A path that is not absolute is left out, so that no
 * folder one happens to stand in can offer an engine (B2). No path comes twice.
 */
export async function listCandidates(host: HostFacts): Promise<readonly SocketCandidate[]> {
  const dockerHost = host.env['DOCKER_HOST'];
  const named = dockerHost ? [parseDockerHost(dockerHost, 'DOCKER_HOST', host.platform)] : [];
  const context = await dockerContextCandidate(host);
  const places =
    host.platform === 'win32'
      ? [...context, ...WINDOWS_PIPES]
      : [
          ...fixed(PODMAN, host),
          ...(await podmanMachineSockets(host)),
          ...context,
          ...fixed(DOCKER, host),
          ...fixed(COLIMA, host),
        ];
  const byAddress = new Map<string, SocketCandidate>();
  for (const candidate of [...named, ...places]) {
    if (!byAddress.has(candidate.address)) byAddress.set(candidate.address, candidate);
  }
  return [...byAddress.values()];
}

function fixed(sources: readonly SocketSource[], host: HostFacts): readonly SocketCandidate[] {
  return sources.flatMap(({ origin, path }) => {
    const parts = path(host).filter((part) => part !== undefined);
    if (parts.length < path(host).length || !isAbsolute(parts[0] ?? '')) return [];
    return [{ address: join(...parts), origin }];
  });
}

/** `$TMPDIR/podman/*-api.sock`, sorted: sockets of Podman machines on macOS [0.44]. */
async function podmanMachineSockets({ env }: HostFacts): Promise<readonly SocketCandidate[]> {
  const temporary = env['TMPDIR'];
  if (temporary === undefined || !isAbsolute(temporary)) return [];
  const folder = join(temporary, 'podman');
  const names = await readdir(folder).catch(() => []); // no folder, no machine
  return names
    .filter((name) => name.endsWith('-api.sock'))
    .sort()
    .map((name) => ({ address: join(folder, name), origin: 'Podman machine' }));
}
