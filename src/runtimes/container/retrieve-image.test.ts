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
  'the engine is not asked for %s, which is no image, whoever named it',
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
