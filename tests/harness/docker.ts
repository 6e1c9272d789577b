import { homedir } from 'node:os';
import { join } from 'node:path';
import { type EngineAddress, isAnswering } from './engine.ts';
import type { Ground } from './environment.ts';

/** A Docker that answers already, else one of our own with its own data. */
export async function openDocker({ folder, start }: Ground): Promise<EngineAddress> {
  const sockets = [
    process.env['THV_TEST_DOCKER_SOCKET'],
    '/var/run/docker.sock',
    join(homedir(), '.docker/run/docker.sock'),
  ];
  for (const socket of sockets) {
    if (socket && (await isAnswering({ kind: 'docker', socket }))) return { kind: 'docker', socket };
  }
  if (process.getuid?.() !== 0 || Bun.which('dockerd') === null)
    throw new Error('no Docker answers, and none can be started');
  const engine: EngineAddress = { kind: 'docker', socket: join(folder, 'docker.sock') };
  const places = ['--data-root', join(folder, 'docker'), '--exec-root', join(folder, 'docker-run')];
  await start('dockerd', {
    command: [
      'dockerd',
      '--host',
      `unix://${engine.socket}`,
      '--pidfile',
      join(folder, 'docker.pid'),
      ...places,
    ],
    isReady: () => isAnswering(engine),
  });
  return engine;
}
