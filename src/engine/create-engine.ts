import { ThvError } from '../errors/index.ts';
import { createContainers } from './containers.ts';
import { createEngineHttp, type EngineHttp, unixSocketFetch } from './http.ts';
import { createImages } from './images.ts';
import { createNetworks } from './networks.ts';
import { type EngineIdentity, pingEngine } from './ping.ts';
import { isPipe, pipeFetch } from './pipe-fetch.ts';
import type { Engine } from './types.ts';

/** Limit for one engine to answer (spec 03 §1.1). A socket that starts its engine on demand needs more than a moment. */
export const PING_TIMEOUT_MS = 5000;
/** Newest Engine API this program is written for; it needs nothing of it that 1.41 lacks. */
const OUR_API_VERSION = '1.44';

/** Where registry credentials are looked for. */
interface EngineHost {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
}

/** HTTP to the engine behind a socket or pipe, without version. Nothing is opened until something is asked. */
export function connectEngine(address: string): EngineHttp {
  return createEngineHttp(address, isPipe(address) ? pipeFetch(address) : unixSocketFetch(address));
}

/** The engine that introduced itself as `identity`, spoken to in the version both know (spec 03 §1.4). */
export function createEngine(unversioned: EngineHttp, identity: EngineIdentity, host: EngineHost): Engine {
  const apiVersion = olderVersion(OUR_API_VERSION, identity.apiVersion);
  const http = unversioned.withVersion(apiVersion);
  return {
    kind: identity.kind,
    address: http.address,
    apiVersion,
    containers: createContainers(http, apiVersion, identity.kind),
    images: createImages(http, host),
    networks: createNetworks(http, identity.kind),
    async platform({ signal } = {}) {
      const call = { method: 'GET', path: '/version', signal } as const;
      const { Os, Arch } = await http.json<{ readonly Os: string; readonly Arch: string }>(call);
      return `${Os}/${Arch}`.toLowerCase();
    },
    async ping({ signal } = {}) {
      const outcome = await pingEngine(unversioned, { signal, timeoutMs: PING_TIMEOUT_MS });
      if (outcome.result === 'answered') return;
      throw new ThvError('ERR_ENGINE_UNAVAILABLE', {
        reason: `failed to ping Docker server: ${outcome.why}`,
      });
    },
  };
}

/** The smaller of two versions `major.minor` (spec 03 §1.4). */
function olderVersion(left: string, right: string): string {
  const [leftMajor = 0, leftMinor = 0] = left.split('.').map(Number);
  const [rightMajor = 0, rightMinor = 0] = right.split('.').map(Number);
  if (leftMajor !== rightMajor) return leftMajor < rightMajor ? left : right;
  return leftMinor < rightMinor ? left : right;
}
