import { posix, win32 } from 'node:path';
import type { Places } from './types.ts';

interface PlacesOptions {
  readonly platform: NodeJS.Platform;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly homeFolder: string;
}

export function placesOf({ platform, env, homeFolder }: PlacesOptions): Places {
  const { join } = platform === 'win32' ? win32 : posix;
  const home = (...segments: readonly string[]) => join(homeFolder, ...segments);
  const base: Readonly<Partial<Record<NodeJS.Platform, readonly string[]>>> = {
    win32: ['AppData', 'Roaming'],
    darwin: ['Library', 'Application Support'],
  };
  return {
    platform: platform === 'win32' || platform === 'darwin' ? platform : 'linux',
    env,
    home,
    settings: (...segments) => home(...(base[platform] ?? ['.config']), ...segments),
  };
}
