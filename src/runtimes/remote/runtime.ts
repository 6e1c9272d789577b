import { RUNTIME_WORDS } from '../../records/index.ts';
import { NOWHERE } from '../nowhere.ts';
import type { Runtime } from '../runtime.ts';

/** Runtime of remote servers: there is nothing to start, to find or to remove. */
export function createRemoteRuntime(): Runtime {
  return {
    kind: 'remote',
    runs: 'nothing',
    names: RUNTIME_WORDS.remote,
    takes: [],
    endsWithSupervisor: true,
    notForKubernetes: 'remote MCP servers are not supported in Kubernetes deployments',
    requireConnection: () => undefined,
    isNamed: false,
    open: async () => undefined,
    ping: async () => undefined,
    obtain: async () => ({ image: '', isReady: true }),
    prepare: async (config) => config,
    requireFreeName: async () => undefined,
    find: async () => undefined,
    list: async () => new Map(),
    isElsewhere: async () => false,
    describe: () => ({ package: 'remote', isRemote: true }),
    logs: async () => undefined,
    hasTraceOf: () => false,
    locate: async () => NOWHERE,
    clear: async () => undefined,
    makeRoom: async () => undefined,
    grantStopTime: () => undefined,
    isDeploying: () => false,
    leftovers: () => [],
    serve: async (_, { remote_url = '' }) => ({ type: 'upstream', url: remote_url }),
  };
}
