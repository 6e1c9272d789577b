import { join } from 'node:path';
import type { Ground } from './environment.ts';
import { freePort } from './ports.ts';

/** Address (`host:port`) of an image registry on the loopback interface, where engines do without TLS. */
export async function openRegistry({ folder, cache, start }: Ground): Promise<string> {
  if (Bun.which('docker-registry') === null) throw new Error('the program docker-registry is missing');
  const address = `127.0.0.1:${freePort()}`;
  const config = join(folder, 'registry.json');
  await Bun.write(
    config,
    JSON.stringify({
      version: '0.1',
      log: { level: 'warn' },
      storage: { filesystem: { rootdirectory: join(cache, 'registry') } },
      http: { addr: address },
    }),
  );
  await start('docker-registry', {
    command: ['docker-registry', 'serve', config],
    isReady: async () => (await fetch(`http://${address}/v2/`)).ok,
  });
  return address;
}
