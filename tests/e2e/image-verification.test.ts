import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FIXTURE_IMAGE } from '../harness/images.ts';
import { onEachEngine } from '../harness/on-each-engine.ts';
import { openWorld, type World } from '../harness/world.ts';
import { copyImage, type PushedImage, signSimply, signWithKey } from '../signatures/signatures.ts';
import {
  createKeys,
  createSigners,
  ISSUER,
  REPOSITORY,
  type Signers,
  WORKFLOW,
} from '../signatures/signers.ts';

const UNSIGNED = 'image verification failed: image is not signed';
const SOURCE = FIXTURE_IMAGE.replace(/:.*/, '');
const registry = process.env['THV_TEST_REGISTRY'] ?? '';
const mine = createKeys();
let signers: Signers;
beforeAll(async () => {
  signers = await createSigners();
});

const document = async (world: World, name: string) =>
  JSON.parse(await readFile(join(world.state, 'runconfigs', `${name}.json`), 'utf8'));

onEachEngine((engine) => {
  const made: string[] = [];
  afterAll(async () => {
    for (const image of made) await engine.forget(image);
  });

  /** An image of a repository that no other test has, and that the engine does not know. */
  async function publish(world: World, label = 'image'): Promise<PushedImage & { readonly image: string }> {
    const repository = `verified/${world.name(label)}`;
    const image = `${registry}/${repository}:1`;
    made.push(image);
    return { ...(await copyImage(registry, SOURCE, repository, '1', world.name(label))), image };
  }

  describe.skipIf(registry === '')('a key of one’s own', () => {
    test('a signed image runs, and what runs is what was verified, also after its tag has moved', async () => {
      await using world = await openWorld(engine);
      const [name, second] = [world.name(), world.name('b')];
      const pushed = await publish(world);
      await signWithKey(pushed, mine.privateKey);
      await writeFile(join(world.work, 'cosign.pub'), mine.publicPem);
      await world.ok(['config', 'set-image-key', `${registry}/verified/`, 'cosign.pub']);
      const run = ['run', pushed.image, '--transport', 'stdio', '--image-verification', 'enabled', '--name'];
      expect(await world.ok([...run, name])).toBe(`Successfully pulled ${pushed.image}\n`);
      await world.reached(name);
      expect(await document(world, name)).toMatchObject({
        image_verification: 'enabled',
        resolved_image: {
          provenance: { from: 'registry', manifest: pushed.digest },
          verified: { by: 'key' },
        },
      });
      const first = (await engine.inspect(name))?.Image;

      await copyImage(registry, SOURCE, pushed.repository, '1', `${name}-other`);
      await world.ok(['stop', name]);
      await engine.remove(name);
      await engine.forget(pushed.image);
      await world.ok(['start', name]);
      await world.reached(name);
      expect((await engine.inspect(name))?.Image).toBe(first as string);

      // What the tag means now was signed by nobody.
      await world.ok(['rm', name]);
      await engine.forget(pushed.image);
      const refused = await world.thv([...run, second]);
      expect(refused).toMatchObject({ exitCode: 1, stdout: '' });
      expect(refused.stderr).toContain(
        `failed to find or create the MCP server ${pushed.image}: ${UNSIGNED}`,
      );
      expect(await world.find(second)).toBeUndefined();
      expect(await engine.named(second)).toEqual([]);
    });

    test('an unsigned image runs with a warning unless it has to be verified', async () => {
      await using world = await openWorld(engine);
      const { image } = await publish(world);
      await writeFile(join(world.work, 'cosign.pub'), mine.publicPem);
      await world.ok(['config', 'set-image-key', registry, 'cosign.pub']);
      const [warned, silent] = [world.name('w'), world.name('d')];
      const run = (name: string, ...flags: readonly string[]) =>
        world.thv(['run', image, '--transport', 'stdio', '--name', name, ...flags]);
      expect((await run(world.name('e'), '--image-verification', 'enabled')).stderr).toContain(UNSIGNED);
      const outcome = await run(warned);
      expect({ code: outcome.exitCode, warned: outcome.stderr.includes(UNSIGNED) }).toEqual({
        code: 0,
        warned: true,
      });
      await world.reached(warned);
      const { exitCode, stderr } = await run(silent, '--image-verification', 'disabled');
      expect(exitCode).toBe(0);
      expect(stderr).toContain('Image verification is disabled');
      expect(stderr).not.toContain(UNSIGNED);
      expect((await document(world, warned)).resolved_image).not.toHaveProperty('verified');
    });
  });

  test.skipIf(registry === '')('a server of the registry is verified by what its entry says', async () => {
    await using world = await openWorld(engine);
    const pushed = await publish(world);
    const other = await publish(world, 'other');
    await signSimply(pushed, signers);
    await signSimply(other, signers, { identity: { repository: 'https://github.com/evil/server' } });
    await writeRegistry(world, { good: pushed.image, evil: other.image, bare: FIXTURE_IMAGE });
    await trust(world, signers);
    const run = (server: string) =>
      world.thv(['run', server, '--name', world.name(server), '--image-verification', 'enabled']);
    expect((await run('good')).exitCode).toBe(0);
    await world.reached(world.name('good'));
    expect((await document(world, world.name('good'))).resolved_image.verified).toEqual({
      by: 'provenance',
      signer: `${REPOSITORY}${WORKFLOW}@refs/tags/v1`,
    });
    expect((await run('evil')).stderr).toContain(
      'image verification failed: image provenance does not match',
    );
    expect((await run('bare')).stderr).toContain('provenance server information not set');
  });

  test('an image that nobody says anything of runs with a warning, and not where it has to be verified', async () => {
    await using world = await openWorld(engine);
    const name = world.name();
    const run = (...flags: readonly string[]) =>
      world.thv(['run', FIXTURE_IMAGE, '--transport', 'stdio', '--name', name, ...flags]);
    const refused = await run('--image-verification', 'enabled');
    expect(refused.exitCode).toBe(1);
    expect(refused.stderr).toContain('provenance server information not set');
    expect((await run('--image-verification', 'sometimes')).stderr).toContain(
      'invalid value for --image-verification: sometimes',
    );
    const { exitCode, stderr } = await run();
    expect(exitCode).toBe(0);
    expect(stderr).toContain('MCP server has no provenance information set, skipping image verification');
  });
});

/** Trusts the authorities of the tests in place of the public ones, which were asked for just now. */
async function trust(world: World, { trustedRoot }: Signers): Promise<void> {
  await mkdir(join(world.state, 'sigstore'), { recursive: true });
  const kept = {
    tried_at: new Date().toISOString(),
    trusted_root: trustedRoot,
    metadata: { 'root.json': JSON.stringify({ signed: { version: 1_000_000 } }) },
  };
  await writeFile(join(world.state, 'sigstore', 'tuf-repo-cdn.sigstore.dev.json'), JSON.stringify(kept));
}

async function writeRegistry(world: World, images: Readonly<Record<string, string>>): Promise<void> {
  const provenance = {
    sigstore_url: 'tuf-repo-cdn.sigstore.dev',
    repository_uri: REPOSITORY,
    signer_identity: WORKFLOW,
    runner_environment: 'github-hosted',
    cert_issuer: ISSUER,
  };
  const servers = Object.fromEntries(
    Object.entries(images).map(([name, image]) => [
      name,
      {
        image,
        description: name,
        transport: 'stdio',
        tier: 'Community',
        status: 'Active',
        tools: ['echo'],
        ...(name === 'bare' ? {} : { provenance }),
      },
    ]),
  );
  const path = join(world.folder, 'registry.json');
  await writeFile(path, JSON.stringify({ version: '1.0.0', last_updated: '2026-01-01T00:00:00Z', servers }));
  await world.ok(['registry', 'convert', '--in', path, '--in-place']);
  await world.ok(['config', 'set-registry', path]);
}
