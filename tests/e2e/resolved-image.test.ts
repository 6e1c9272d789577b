import { expect, test } from 'bun:test';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Engine, engineRequest } from '../harness/engine.ts';
import { CONFORMANCE_IMAGE, FIXTURE_IMAGE } from '../harness/images.ts';
import { onEachEngine } from '../harness/on-each-engine.ts';
import { openWorld, type World } from '../harness/world.ts';

const digitsOf = (id: string | undefined) => id?.replace(/^sha256:/, '');

/** Gives an image one more name, which another image may have had until now. */
async function nameImage(engine: Engine, image: string, name: string): Promise<void> {
  const path = `/images/${image}/tag?repo=${encodeURIComponent(name)}&tag=1`;
  expect((await engineRequest(engine, 'POST', path)).status).toBe(201);
}

async function idOf(engine: Engine, image: string): Promise<string | undefined> {
  const { Id } = (await (await engineRequest(engine, 'GET', `/images/${image}/json`)).json()) as {
    Id: string;
  };
  return digitsOf(Id);
}

const documentPath = (world: World, name: string) => join(world.state, 'runconfigs', `${name}.json`);

async function readDocument(world: World, name: string) {
  return JSON.parse(await readFile(documentPath(world, name), 'utf8'));
}

onEachEngine((engine) => {
  test('the image that was resolved stands in the document and runs until a new container is prepared', async () => {
    await using world = await openWorld(engine);
    const name = world.name();
    const repository = `localhost/${name}`;
    const [first, second] = [await idOf(engine, FIXTURE_IMAGE), await idOf(engine, CONFORMANCE_IMAGE)];
    const running = async () => digitsOf((await engine.inspect(name))?.Image);
    try {
      await nameImage(engine, FIXTURE_IMAGE, repository);
      await world.ok(['run', `${repository}:1`, '--name', name, '--transport', 'stdio']);
      await world.reached(name);
      const document = await readDocument(world, name);
      expect(document).toMatchObject({
        image: `${repository}:1`,
        resolved_image: {
          reference: `${repository}:1`,
          digest: `sha256:${first}`,
          provenance: { from: 'engine' },
        },
      });
      expect(await running()).toBe(first);

      // Other settings make another container; the name is another image's by now.
      await nameImage(engine, CONFORMANCE_IMAGE, repository);
      await writeFile(documentPath(world, name), JSON.stringify({ ...document, env_vars: { ADDED: '1' } }));
      await world.ok(['stop', name]);
      await world.ok(['start', name]);
      await world.reached(name);
      const changed = await engine.inspect(name);
      expect(changed?.Config.Env).toContain('ADDED=1');
      expect(digitsOf(changed?.Image)).toBe(first);

      // With its container gone the workload is prepared again.
      await world.ok(['stop', name]);
      await engine.remove(name);
      await world.ok(['start', name]);
      await world.reached(name);
      expect(await running()).toBe(second);
      expect((await readDocument(world, name)).resolved_image.digest).toBe(`sha256:${second}`);
    } finally {
      await world.thv(['rm', name]);
      await engine.forget(`${repository}:1`);
    }
  });
});
