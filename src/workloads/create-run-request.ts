import { ThvError } from '../errors/index.ts';
import { type RunConfig, remoteUrlProblem } from '../records/index.ts';
import { requireApplicable } from './applicable-flags.ts';
import type { GivenRun, RunRequest } from './run-request.ts';

/**
 * The request for a source. `present` is what an edit changes: its values may be sent back as they are. Throws
 * `ERR_INPUT_INVALID` for a URL that no remote server can have, and for settings that do not apply to remote servers.
 */
export function createRunRequest(given: GivenRun, present?: RunConfig): RunRequest {
  const { source, server, remote, ...common } = given;
  if (!/^https?:\/\//i.test(source))
    return { ...common, target: { kind: 'word', word: source, server, remote } };
  const problem = remoteUrlProblem(source);
  if (problem !== undefined) throw new ThvError('ERR_INPUT_INVALID', { reason: problem });
  requireApplicable(given, ['remote server'], present);
  return { ...common, target: { kind: 'url', url: source, remote } };
}
