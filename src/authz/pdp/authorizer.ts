import { messageOf } from '../../errors/index.ts';
import { createHttpClient } from '../../net/index.ts';
import type { PdpSettings } from '../config.ts';
import { type AccessRequest, type Authorizer, OPERATIONS, refusal, type Verdict } from '../types.ts';
import { mapClaims } from './claims.ts';

interface PdpOptions {
  readonly workload: string;
  /** Names the proxies to go through. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

const DEFAULT_TIMEOUT_SECONDS = 30;
const MAX_ANSWER_BYTES = 1024 * 1024;

/**
 * Asks an HTTP policy decision point for each decision (spec 05 §15). It is a service that the user named, wherever it stands; it
 * is not asked before the first request, and everything but a clear yes is a no.
 */
export function createPdpAuthorizer(settings: PdpSettings, { workload, env }: PdpOptions): Authorizer {
  const { http, claim_mapping, context } = settings;
  const url = decisionUrl(http.url);
  const timeoutMs = (http.timeout > 0 ? http.timeout : DEFAULT_TIMEOUT_SECONDS) * 1000;
  const client = createHttpClient({
    allowPrivateAddresses: true,
    plainHttp: 'always',
    proxies: env,
    skipsVerification: http.insecure_skip_verify,
  });

  function question({ identity, feature, id, arguments: given, annotations }: AccessRequest): string {
    const operation = OPERATIONS[feature];
    const hasArguments = context.include_args && given !== undefined && Object.keys(given).length > 0;
    const mcp = {
      ...(context.include_operation ? { feature, operation, resource_id: id } : {}),
      ...(hasArguments ? { args: given } : {}),
      ...(feature === 'tool' && annotations !== undefined && Object.keys(annotations).length > 0
        ? { annotations }
        : {}),
    };
    return JSON.stringify({
      principal: mapClaims(identity?.claims ?? {}, claim_mapping),
      operation: `mcp:${feature}:${operation}`,
      resource: `mrn:mcp:${workload}:${feature}:${id}`,
      context: Object.keys(mcp).length === 0 ? {} : { mcp },
    });
  }

  async function ask(request: AccessRequest): Promise<Verdict> {
    const { status, body } = await client.send(url, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: question(request),
      maxBytes: MAX_ANSWER_BYTES,
      timeoutMs,
      redirects: 0,
    });
    if (status !== 200) return refusal(`the policy decision point answered with status ${status}`);
    const answer: unknown = JSON.parse(body);
    const isAllowed = (answer as { allow?: unknown } | null)?.allow === true;
    return { isAllowed, policies: [], errors: [] };
  }

  return {
    async decide(request) {
      if ((request.identity?.subject ?? '') === '') return refusal('the caller has no subject');
      try {
        return await ask(request);
      } catch (error) {
        return refusal(`the policy decision point gave no decision: ${messageOf(error)}`);
      }
    },
    [Symbol.dispose]() {},
  };
}

function decisionUrl(base: string): string {
  const url = new URL(base);
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/decision`;
  return url.href;
}
