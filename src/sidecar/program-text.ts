import { join } from 'node:path';

/**
 * The program of the sidecar as one JavaScript file. In an executable `scripts/sidecar-plugin.ts` has put it in place of this module;
 * from the sources it is bundled when it is asked for.
 */
export async function programText(): Promise<string> {
  const { outputs } = await Bun.build({
    entrypoints: [join(import.meta.dir, 'program.ts')],
    target: 'bun',
    minify: true,
  });
  return (await outputs[0]?.text()) ?? '';
}
