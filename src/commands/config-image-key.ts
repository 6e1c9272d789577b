import { readFile } from 'node:fs/promises';
import * as v from 'valibot';
import { createCommand, formatFlag, printJson } from '../cli/index.ts';
import { messageOf, ThvError } from '../errors/index.ts';
import { keyFingerprint, parseImageScope, parsePublicKeys } from '../signatures/index.ts';
import { openConfig } from './config-store.ts';

const NONE = 'No image keys are configured.\n';

export const setImageKey = createCommand({
  usage: 'IMAGES PATH... [flags]',
  long: `Set the public keys that images of your own are verified with: an image has to be signed with one of them, whatever
the registry says about it. IMAGES is a registry, a folder of one with a slash at its end, or one repository; the most exact one that
an image falls under counts. The keys are copied into the configuration, and replace those that IMAGES had. 'thv run
--image-verification enabled' refuses an image that is not signed so; the default only warns.`,
  examples: `
  thv config set-image-key registry.example.com/team/ cosign.pub
  thv config set-image-key registry.example.com/team/server old.pub new.pub`,
  flags: {},
  positionals: { between: [2, 100] },
  async run(invocation) {
    const [images = '', ...paths] = invocation.words;
    const scope = parseImageScope(images);
    const keys = (await Promise.all(paths.map(readKeys))).flat();
    await (await openConfig(invocation)).update((config) => ({
      ...config,
      image_keys: { ...config.image_keys, [scope]: [...new Set(keys)] },
    }));
  },
});

async function readKeys(path: string): Promise<readonly string[]> {
  const text = await readFile(path, 'latin1').catch((error: unknown) => {
    const reason = `public key file not found or not accessible: ${messageOf(error)}`;
    throw new ThvError('ERR_FILE_UNREADABLE', { path, reason }, { cause: error });
  });
  return parsePublicKeys(text, path);
}

export const getImageKey = createCommand({
  usage: '[IMAGES] [flags]',
  long: 'Show the public keys that images are verified with, all or those of IMAGES.',
  flags: { format: formatFlag(['json', 'text'], 'text') },
  positionals: { atMost: 1 },
  async run(invocation) {
    const { options, terminal, words } = invocation;
    const all = Object.entries((await (await openConfig(invocation)).read()).image_keys ?? {});
    const scope = words[0] === undefined ? undefined : parseImageScope(words[0]);
    const shown = all.filter(([images]) => scope === undefined || images === scope);
    if (options.format === 'json') return printJson(terminal, Object.fromEntries(shown));
    if (shown.length === 0)
      return void terminal.out(scope === undefined ? NONE : `No image keys are configured for ${scope}.\n`);
    for (const [images, keys] of shown) {
      terminal.out(`${images}\n${keys.map((key) => `  ${keyFingerprint(key)}\n`).join('')}`);
    }
  },
});

export const unsetImageKey = createCommand({
  usage: '[IMAGES] [flags]',
  long: 'Remove the public keys of IMAGES, or all of them.',
  flags: {
    all: { kind: 'bool', help: 'Remove all image keys', schema: v.optional(v.boolean(), false) },
  },
  positionals: { atMost: 1 },
  async run(invocation) {
    const { options, terminal, words } = invocation;
    if (words[0] === undefined && !options.all)
      throw new ThvError('ERR_USAGE', {
        reason: 'please specify the IMAGES to remove keys of, or use --all to remove all keys',
      });
    const store = await openConfig(invocation);
    const present = (await store.read()).image_keys ?? {};
    if (options.all) {
      if (Object.keys(present).length === 0) return void terminal.out(NONE);
      return void (await store.update(({ image_keys: _, ...config }) => config));
    }
    const scope = parseImageScope(words[0] ?? '');
    if (!Object.hasOwn(present, scope))
      return void terminal.out(`No image keys are configured for ${scope}.\n`);
    await store.update((config) => {
      const { [scope]: _, ...rest } = config.image_keys ?? {};
      return { ...config, image_keys: Object.keys(rest).length === 0 ? undefined : rest };
    });
  },
});
