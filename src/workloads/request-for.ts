import type { ImportedServer } from '../clients/index.ts';
import { ThvError } from '../errors/index.ts';
import { variableNameProblem, variableValueProblem } from '../records/index.ts';
import { parsePublish, parseVolume } from '../sandbox/index.ts';
import { createRunRequest } from './create-run-request.ts';
import { headersByName } from './forward-headers.ts';
import { type RunRequest, USUAL_PROXY, USUAL_SERVER } from './run-request.ts';

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
 * variables, volumes and ports that cannot be passed on, and `createRunRequest`'s.
 */
export function requestFor(server: ImportedServer, { group, debug, secrets }: RequestOptions): RunRequest {
  for (const [name, value] of Object.entries(server.environment)) {
    const problem = variableNameProblem(name) ?? variableValueProblem(name, value);
    if (problem !== undefined) throw new ThvError('ERR_INPUT_INVALID', { reason: problem });
  }
  const { variables, headers } = secrets;
  const plain = Object.entries(server.environment).filter(([variable]) => !variables.has(variable));
  const plainHeaders = Object.entries(server.headers).filter(([header]) => !headers.has(header));
  return createRunRequest({
    source: server.source,
    name: server.name,
    group,
    transport: server.transport,
    labels: {},
    proxy: { ...USUAL_PROXY, tools: server.tools },
    server: {
      ...USUAL_SERVER,
      arguments: server.serverArguments,
      environment: Object.fromEntries(plain),
      secrets: [...variables].map(([target, name]) => ({ name, target })),
      volumes: server.volumes.map((volume) => parseVolume(volume)),
      publish: server.publish.map(parsePublish),
      networkMode: server.networkMode,
    },
    remote: { headers: headersByName(plainHeaders), headerSecrets: headersByName([...headers]) },
    debug,
  });
}
