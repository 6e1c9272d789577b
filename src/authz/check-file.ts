import { hasCode, messageOf } from '../errors/index.ts';
import { silentLogger } from '../platform/index.ts';
import type { AuthzConfig } from './config.ts';
import { createLocator, type Position } from './locate.ts';
import { openAuthorizer } from './open-authorizer.ts';
import { type AuthzFile, parseAuthzFile } from './read-config.ts';

/** One thing that is wrong with an authorization config. */
export interface FileProblem {
  readonly message: string;
  /** Which policy, from 0; absent for what is not about one. */
  readonly policy?: number;
  /** Where in the file, from 1; absent where that cannot be told. */
  readonly line?: number;
  readonly column?: number;
}

/** Everything that is wrong with a file, in its order. */
export async function checkAuthzFile(file: AuthzFile): Promise<readonly FileProblem[]> {
  let config: AuthzConfig;
  try {
    config = await parseAuthzFile(file);
  } catch (error) {
    return [problemFrom(error)];
  }
  if (config.type === 'cedarv1') {
    const [{ loadCedar }, { parsePolicies }] = await Promise.all([
      import('./cedar/engine.ts'),
      import('./cedar/policies.ts'),
    ]);
    const { problems } = parsePolicies(await loadCedar(), config.cedar.policies);
    if (problems.length > 0) {
      const locate = await createLocator(file.text);
      return problems.map(({ index, message, offset }) => ({
        message,
        policy: index,
        ...locate(['cedar', 'policies', index], offset),
      }));
    }
  }
  try {
    (await openAuthorizer(config, { workload: '', env: {}, log: silentLogger }))[Symbol.dispose]();
    return [];
  } catch (error) {
    const locate = await createLocator(file.text);
    return [{ ...problemFrom(error), ...locate(['cedar', 'entities_json'], undefined) }];
  }
}

function problemFrom(error: unknown): FileProblem {
  if (!hasCode(error, 'ERR_AUTHZ_INVALID')) throw error;
  return { message: messageOf(error), ...positionIn(messageOf(error)) };
}

/** Parsers of JSON and YAML say in their words where they stopped. */
function positionIn(message: string): Position | undefined {
  const found = /line (\d+),? column (\d+)/.exec(message);
  return found === null ? undefined : { line: Number(found[1]), column: Number(found[2]) };
}
