import { accessSync, constants, existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { messageOf, ThvError } from '../errors/index.ts';
import { writeFileAtomic } from '../platform/index.ts';
import type { PermissionProfile, RunConfig, WorkloadName } from '../records/index.ts';
import { type NetworkAttempts, readNetworkAttempts } from '../runtimes/index.ts';
import type { Context } from './context.ts';

/** Throws `ERR_INPUT_INVALID` where a learned profile could not be written later, or would take the place of another file. */
export function checkLearnedPath(path: string): void {
  const refuse = (reason: string, hint: string) => new ThvError('ERR_INPUT_INVALID', { reason }, { hint });
  if (existsSync(path))
    throw refuse(`--learn-permissions ${path}: the file exists`, 'name a file that does not exist yet');
  try {
    accessSync(dirname(path), constants.W_OK | constants.X_OK);
  } catch (error) {
    throw refuse(
      `--learn-permissions ${path}: ${messageOf(error)}`,
      'name a file in a folder that exists and that you may write to',
    );
  }
}

/** The smallest permission profile with which the attempts that were allowed are allowed again. */
export function learnedProfile(attempts: readonly NetworkAttempts[]): PermissionProfile {
  const used = attempts.filter(({ verdict, port }) => verdict === 'allowed' && port !== 0);
  const [raw, proxied] = [used.filter(isRaw), used.filter((attempt) => !isRaw(attempt))];
  return {
    network: {
      outbound: {
        ...(proxied.length === 0
          ? {}
          : {
              allow_host: unique(proxied.map(({ host }) => host)).toSorted(),
              allow_port: unique(proxied.map(({ port }) => port)).toSorted((a, b) => a - b),
            }),
        ...(raw.length === 0
          ? {}
          : { allow_tcp: unique(raw.map(({ host, port }) => `${host}:${port}`)).toSorted() }),
      },
    },
  };
}

const isRaw = ({ protocol }: NetworkAttempts) => protocol === 'tcp';

function unique<Value>(values: readonly Value[]): Value[] {
  return [...new Set(values)];
}

/**
 * Writes what a server that was run with `--learn-permissions` has used of the network so far. Resolves with a sentence about it;
 * `undefined` for a server that nothing is learned of.
 */
export async function writeLearnedProfile(
  context: Context,
  name: WorkloadName,
  config: Pick<RunConfig, 'learn_permissions'> | undefined,
): Promise<string | undefined> {
  const path = config?.learn_permissions;
  if (path === undefined) return undefined;
  const attempts = readNetworkAttempts(context.paths, name);
  const profile = learnedProfile(attempts);
  const hosts = profile.network?.outbound?.allow_host ?? [];
  try {
    await writeFileAtomic(path, `${JSON.stringify(profile, null, 2)}\n`);
  } catch (error) {
    return `failed to write what ${name} used of the network to ${path}: ${messageOf(error)}`;
  }
  const lost = attempts.some(({ verdict, host }) => verdict === 'allowed' && host === '*')
    ? ' It is incomplete: the server reached more than 100 hosts within a second.'
    : '';
  return (
    `wrote what ${name} used of the network to ${path}: ${hosts.length} ${hosts.length === 1 ? 'host' : 'hosts'}.${lost}` +
    ' It does not cover files, nor connections that ignore the proxy settings, which were not possible.' +
    ` 'thv run --permission-profile ${path}' grants that and nothing else.`
  );
}
