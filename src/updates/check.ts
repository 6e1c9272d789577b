import gt from 'semver/functions/gt';
import valid from 'semver/functions/valid';
import * as v from 'valibot';
import { hasCode, ThvError } from '../errors/index.ts';
import { createHttpClient } from '../net/index.ts';
import type { Paths } from '../platform/index.ts';
import { changeUpdateFile, readUpdateFile } from './update-file.ts';
import { userAgent } from './user-agent.ts';

const BETWEEN_CHECKS_MS = 30 * 60_000;
const TIMEOUT_MS = 3000;
const MAX_BYTES = 64 * 1024;
const MAX_REDIRECTS = 10;
const Answer = v.object({ version: v.string() });

interface CheckOptions {
  /** The endpoint that the user named; no other is ever asked. */
  readonly url: string;
  readonly paths: Pick<Paths, 'data'>;
  /** Who asks; each asks at most once in half an hour. */
  readonly component: 'CLI' | 'API' | 'UI';
  /** The running version, `v1.2.3` or `build-…`. */
  readonly version: string;
  /** In the reference's words: `linux/amd64`. */
  readonly platform: string;
  /** Whether the asking program is a release; judged by its version unless given. */
  readonly isRelease?: boolean | undefined;
  readonly signal: AbortSignal;
  readonly now?: () => Date;
}

/**
 * The latest version when it is newer than the running one, which a build without a version never learns (spec 09 §9.1).
 * Throws `ERR_TIMEOUT` or what the network throws; nothing is written then.
 */
export async function findUpdate(options: CheckOptions): Promise<string | undefined> {
  const { component, paths, version, now = () => new Date() } = options;
  const stored = await readUpdateFile(paths);
  const instanceId = stored.instance_id || crypto.randomUUID();
  const lastCheck = Date.parse(stored.components[component]?.last_check ?? '');
  const age = now().getTime() - lastCheck;
  const isFresh = age >= 0 && age < BETWEEN_CHECKS_MS;
  const latest = isFresh ? stored.latest_version : await askEndpoint(options, instanceId);
  if (!isFresh)
    await changeUpdateFile(paths, (file) => ({
      ...file,
      instance_id: file.instance_id || instanceId,
      latest_version: latest,
      components: {
        ...file.components,
        [component]: { ...file.components[component], last_check: now().toISOString() },
      },
    }));
  const isNewer = valid(latest) !== null && valid(version) !== null && gt(latest, version);
  return isNewer ? latest : undefined;
}

async function askEndpoint(
  { component, isRelease, platform, signal, url, version }: CheckOptions,
  instanceId: string,
): Promise<string> {
  // The user named the endpoint, wherever it is.
  const client = createHttpClient({
    allowPrivateAddresses: true,
    plainHttp: 'always',
    proxies: process.env,
    userAgent: userAgent(component, { version, platform, isRelease }),
  });
  try {
    const { status, body } = await client.send(url, {
      headers: { 'X-Instance-ID': instanceId },
      maxBytes: MAX_BYTES,
      timeoutMs: TIMEOUT_MS,
      redirects: MAX_REDIRECTS,
      signal,
    });
    if (status < 200 || status > 299)
      throw new ThvError('ERR_UPDATE_CHECK', { reason: `${url} answered with status ${status}` });
    const answer = v.safeParse(Answer, JSON.parse(body));
    if (!answer.success) throw new ThvError('ERR_UPDATE_CHECK', { reason: `${url} told no version` });
    return answer.output.version;
  } catch (error) {
    if (!hasCode(error, 'ERR_HTTP') || error.facts.failed !== 'timeout') throw error;
    const reason = `no answer within ${TIMEOUT_MS / 1000} s`;
    throw new ThvError('ERR_TIMEOUT', { reason }, { cause: error });
  }
}
