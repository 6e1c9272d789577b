import type { ImportedServer } from '../clients/index.ts';
import { ThvError } from '../errors/index.ts';
import { variableNameProblem } from '../records/index.ts';
import type { RunRequest } from './types.ts';

interface RequestOptions {
  readonly group: string;
  readonly debug: boolean;
  readonly secrets: StoredSecrets;
}

/** Names in the secrets store by variable and by header; these are not among the plain ones. */
export interface StoredSecrets {
  readonly variables: ReadonlyMap<string, string>;
  readonly headers: ReadonlyMap<string, string>;
}

/**
 * What `thv run` would be asked for to run a server that was found in a client's settings. Throws `ERR_INPUT_INVALID` for
 * variables with names that cannot be passed on.
 */
export function requestFor(server: ImportedServer, { group, debug, secrets }: RequestOptions): RunRequest {
  for (const name of Object.keys(server.environment)) {
    const problem = variableNameProblem(name);
    if (problem !== undefined) throw new ThvError('ERR_INPUT_INVALID', { reason: problem });
  }
  const { variables, headers } = secrets;
  const plain = Object.entries(server.environment).filter(([variable]) => !variables.has(variable));
  const plainHeaders = Object.entries(server.headers).filter(([header]) => !headers.has(header));
  return {
    source: server.source,
    serverArguments: server.serverArguments,
    name: server.name,
    group,
    transport: server.transport,
    proxyMode: 'sse',
    proxyPort: 0,
    host: '127.0.0.1',
    targetPort: 0,
    targetHost: '127.0.0.1',
    environment: plain.map(([variable, value]) => `${variable}=${value}`),
    environmentFile: undefined,
    environmentFolder: undefined,
    secrets: [...variables].map(([variable, secret]) => `${secret},target=${variable}`),
    labels: [],
    volumes: server.volumes,
    permissionProfile: undefined,
    publish: server.publish,
    networkMode: server.networkMode,
    tools: server.tools,
    toolsOverrideFile: undefined,
    allowedOrigins: [],
    trustProxyHeaders: false,
    strictProtocolValidation: false,
    stateless: false,
    sessionTtlMs: 0,
    endpointPrefix: '',
    caCertificate: undefined,
    forwardHeaders: plainHeaders.map(([header, value]) => `${header}=${value}`),
    forwardHeaderSecrets: [...headers].map(([header, secret]) => `${header}=${secret}`),
    debug,
  };
}
