import { expect, test } from 'bun:test';
import { openEngine } from '../../src/engine/index.ts';
import { stopContainer } from '../../src/runtimes/container/stop-container.ts';
import { FIXTURE_IMAGE } from '../harness/images.ts';
import { onEachEngine } from '../harness/on-each-engine.ts';
import { waitFor } from '../harness/wait-for.ts';

/** Ends at once the first time, and lives on when it is started again, deaf to SIGTERM. */
const TWO_LIVES = `
  const fs = require('node:fs');
  process.on('SIGTERM', () => {});
  setTimeout(() => process.exit(0), fs.existsSync('/tmp/again') ? 1e9 : 200);
  fs.writeFileSync('/tmp/again', '');
`;

onEachEngine((address) => {
  // Docker starts nothing again once it was told to stop it.
  if (address.kind === 'docker') return;

  test('what the engine has started again behind a stop is given no time', async () => {
    const engine = await openEngine({ wanted: '', env: { TOOLHIVE_DOCKER_SOCKET: address.socket } });
    const { containers } = engine;
    const { id } = await containers.create(`thv-stop-test-${crypto.randomUUID()}`, {
      Image: FIXTURE_IMAGE,
      Entrypoint: ['/bin/node', '-e', TWO_LIVES],
      HostConfig: { RestartPolicy: { Name: 'unless-stopped' } },
    });
    try {
      await containers.start(id);
      const before = await waitFor(
        () => containers.find(id),
        (found) => found?.State.Running === true,
        { what: 'it runs' },
      );
      if (before === undefined) throw new Error('unreachable');
      await waitFor(
        () => containers.find(id),
        (now) => now?.State.Running === true && now.State.StartedAt !== before.State.StartedAt,
        { what: 'it has been started again' },
      );
      const startedAt = performance.now();
      await stopContainer(engine, before, { graceSeconds: 30 });
      expect(performance.now() - startedAt).toBeLessThan(10_000);
      expect((await containers.find(id))?.State.Running).toBe(false);
    } finally {
      await containers.remove(id, { force: true });
    }
  });
});
