import { expect, test } from 'bun:test';
import type { Engine } from '../../engine/index.ts';
import { silentLogger } from '../../platform/index.ts';
import { retrieveImage } from './retrieve-image.ts';

const progress = {
  line: () => undefined,
  update: () => undefined,
  output: () => undefined,
  revealOutput: () => undefined,
};

test.each(['-v /:/x evil', 'a/../../containers/x'])(
  'the engine is not asked for %s, because it is not an image reference',
  async (image) => {
    const asked: string[] = [];
    const images = { find: async (name: string) => void asked.push(name) };
    const engine = { images } as unknown as Engine;
    await expect(retrieveImage(engine, image, { progress, logger: silentLogger })).rejects.toThrow(
      `failed to retrieve or pull image: failed to check if image exists locally: failed to parse image reference "${image}": `,
    );
    expect(asked).toEqual([]);
  },
);

const ID = 'a'.repeat(64);
const MANIFEST = `sha256:${'b'.repeat(64)}`;
const OTHER = `sha256:${'c'.repeat(64)}`;

/** An engine that has one image, and counts pulls. */
function engineWith(RepoDigests: readonly string[] | null, Id = `sha256:${ID}`) {
  const pulled: string[] = [];
  const images = {
    find: async () => ({ Id, RepoDigests }),
    pull: async (image: string) => void pulled.push(image),
  };
  return { engine: { images } as unknown as Engine, pulled };
}

test.each<[string, string, readonly string[] | null, object]>([
  [
    'an image of a registry',
    'r.io/a/b:1',
    [`r.io/a/b@${MANIFEST}`],
    { from: 'registry', manifest: MANIFEST },
  ],
  ['one of Docker Hub', 'redis:7', [`redis@${MANIFEST}`], { from: 'registry', manifest: MANIFEST }],
  [
    'one of several repositories',
    'r.io/a/b:1',
    [`r.io/copy@${OTHER}`, `r.io/a/b@${MANIFEST}`],
    { from: 'registry', manifest: MANIFEST },
  ],
  [
    'one that is asked for by one of its digests',
    `r.io/a/b@${MANIFEST}`,
    [`r.io/a/b@${OTHER}`, `r.io/a/b@${MANIFEST}`],
    { from: 'registry', manifest: MANIFEST },
  ],
  ['one that was only given a name of this registry', 'r.io/a/b:1', [`r.io/c@${OTHER}`], { from: 'engine' }],
  ['one that was loaded', 'r.io/a/b:1', [], { from: 'engine' }],
  ['one whose digests are absent', 'r.io/a/b:1', null, { from: 'engine' }],
  ['one without a name', 'r.io/a/b:1', [`<none>@${OTHER}`], { from: 'engine' }],
  ['one that Podman named itself', 'localhost/ab:1', [`localhost/ab@${OTHER}`], { from: 'engine' }],
])('where an image comes from: %s', async (_, image, digests, provenance) => {
  const { engine } = engineWith(digests, ID);
  expect(await retrieveImage(engine, image, { progress, logger: silentLogger })).toEqual({
    reference: image,
    digest: `sha256:${ID}`,
    provenance,
  } as never);
});

test.each<[string, string, string | undefined, number]>([
  ['a tag that is there', 'a:1', undefined, 0],
  ['the latest', 'a', undefined, 1],
  ['what was built here, whatever its tag', 'a:latest', 'npx://a', 0],
])('how often an image is pulled: %s', async (_, image, builtFrom, times) => {
  const { engine, pulled } = engineWith([]);
  const { provenance } = await retrieveImage(engine, image, { progress, logger: silentLogger, builtFrom });
  expect(pulled).toHaveLength(times);
  expect<string>(provenance.from).toBe(builtFrom === undefined ? 'engine' : 'build');
});
