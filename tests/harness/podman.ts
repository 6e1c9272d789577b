import { join } from 'node:path';
import { type EngineAddress, isAnswering } from './engine.ts';
import type { Ground } from './environment.ts';

/** A Podman of our own with its own storage and networks; without the means for that, one that answers already. */
export async function openPodman(ground: Ground): Promise<EngineAddress> {
  if (process.getuid?.() === 0 && Bun.which('podman') !== null) return startPodman(ground);
  const sockets = [
    process.env['THV_TEST_PODMAN_SOCKET'],
    join(process.env['XDG_RUNTIME_DIR'] ?? '/run', 'podman/podman.sock'),
  ];
  for (const socket of sockets) {
    if (socket && (await isAnswering({ kind: 'podman', socket }))) return { kind: 'podman', socket };
  }
  throw new Error('no Podman answers, and none can be started');
}

async function startPodman({ folder, start, defer }: Ground): Promise<EngineAddress> {
  const engine: EngineAddress = { kind: 'podman', socket: join(folder, 'podman.sock') };
  const env = {
    CONTAINERS_CONF: join(folder, 'containers.conf'),
    CONTAINERS_REGISTRIES_CONF: join(folder, 'registries.conf'),
  };
  // Limits above those of the machine would be refused. Networks in a folder and an address range of its own: several
  // Podmans, of runs at the same time say, know nothing of each other.
  const range = `10.${100 + Math.floor(Math.random() * 150)}`;
  await Bun.write(
    env.CONTAINERS_CONF,
    `[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]
[network]
network_backend = "netavark"
network_config_dir = "${join(folder, 'podman-networks')}"
default_subnet = "${range}.255.0/24"
default_subnet_pools = [{ base = "${range}.0.0/17", size = 24 }]
`,
  );
  // Like Docker: no TLS on the loopback interface.
  await Bun.write(env.CONTAINERS_REGISTRIES_CONF, '[[registry]]\nlocation = "127.0.0.1"\ninsecure = true\n');
  const podman = ['podman', '--root', join(folder, 'podman'), '--runroot', join(folder, 'podman-run')];
  // Its containers outlive the service.
  defer(async () => {
    await Bun.$`${podman} rm --all --force --time 0`
      .env({ ...process.env, ...env })
      .quiet()
      .nothrow();
  });
  await start('podman', {
    command: [...podman, 'system', 'service', '--time', '0', `unix://${engine.socket}`],
    env,
    isReady: () => isAnswering(engine),
  });
  return engine;
}
