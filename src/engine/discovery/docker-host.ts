import { isAbsolute } from 'node:path';
import type { SocketCandidate } from './types.ts';

/** `unix:///path` or `npipe:////./pipe/name` as a candidate; other ways to reach an engine are named, not tried (spec 03 §15-B1). */
export function parseDockerHost(value: string, origin: string, platform: NodeJS.Platform): SocketCandidate {
  const [, scheme, rest = ''] = /^(unix|npipe):\/\/(.*)$/s.exec(value) ?? [];
  if (scheme === 'npipe' && platform === 'win32') return { address: rest.replaceAll('/', '\\'), origin };
  if (scheme === 'unix' && platform !== 'win32' && isAbsolute(rest)) return { address: rest, origin };
  const wanted = platform === 'win32' ? 'npipe:////./pipe/name' : 'unix:///path';
  return { address: value, origin, problem: `only ${wanted} is supported` };
}
