import { hasCode, toThvError } from '../../errors/index.ts';
import type { Logger } from '../../platform/index.ts';
import type { Registry } from '../../registry/index.ts';
import { isAbort } from '../pipeline/failures.ts';
import { jsonAnswer, textAnswer } from '../pipeline/respond.ts';

/** Errors of reading the registry, in JSON (spec 10 §16.4); our own faults are told by `otherwise` alone. */
export async function readingRegistry(
  openRegistry: () => Promise<Registry>,
  action: (registry: Registry) => Promise<Response>,
  { logger, otherwise }: { readonly logger: Logger; readonly otherwise: string },
): Promise<Response> {
  try {
    return await action(await openRegistry());
  } catch (error) {
    const answer = registryError(error);
    if (answer !== undefined) return answer;
    if (isAbort(error)) throw error;
    logger.error('registry not read', { error: toThvError(error) });
    return textAnswer(500, otherwise);
  }
}

/** `undefined` for what is no error of a registry. */
export function registryError(error: unknown): Response | undefined {
  if (hasCode(error, 'ERR_REGISTRY_AUTH_REQUIRED')) {
    return failure(503, 'registry_auth_required', LOG_IN);
  }
  if (hasCode(error, 'ERR_REGISTRY_LEGACY_FORMAT'))
    return failure(502, 'registry_legacy_format', error.message);
  if (hasCode(error, 'ERR_REGISTRY_INVALID')) return failure(502, 'registry_invalid', error.message);
  if (hasCode(error, 'ERR_REGISTRY_UNAVAILABLE') || hasCode(error, 'ERR_REGISTRY_REQUEST'))
    return failure(503, 'registry_unavailable', error.message);
  return undefined;
}

export function failure(status: number, code: string, message: string): Response {
  return jsonAnswer({ code, message }, status);
}

const LOG_IN = 'Registry authentication required. POST to /api/v1beta/registry/auth/login to authenticate.';
