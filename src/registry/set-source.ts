import { resolve } from 'node:path';
import * as v from 'valibot';
import { type ApplicationConfig, createConfigStore } from '../config/index.ts';
import { hasCode, messageOf, ThvError } from '../errors/index.ts';
import type { Paths } from '../platform/index.ts';
import { readTextFile } from '../platform/index.ts';
import { createHttpClient, type HttpClient, userAgent } from './http-client.ts';
import { type LoginSettings, loginToConfig } from './login-settings.ts';
import { isEmptyRegistry, parseRegistry } from './parse-registry.ts';
import { fetchRegistry } from './providers/url.ts';
import { shownUrl } from './shown-url.ts';
import type { RegistrySource } from './source.ts';

const TIMEOUT_MS = 5000;

export interface SetSourceDeps {
  readonly paths: Paths;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly version?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface SourceSettings {
  /** URL or path as typed. */
  readonly location: string;
  readonly allowPrivateAddress: boolean;
  /** Replaces what is stored of a login; without it there is none afterwards. */
  readonly login?: Omit<LoginSettings, 'callbackPort'> | undefined;
}

/**
 * Makes this the registry in use. All is looked at first, source and login, then written at once: what fails changes nothing
 * (spec 08 §6.3, §9.3). Throws `ERR_REGISTRY_SOURCE_UNREACHABLE`, `ERR_REGISTRY_SOURCE_INVALID`, `ERR_INPUT_INVALID`, `ERR_OAUTH`.
 */
export async function setSource(settings: SourceSettings, deps: SetSourceDeps): Promise<RegistrySource> {
  const source = await checkSource(settings, deps);
  const { login } = settings;
  if (login !== undefined) await requireIssuer(login.issuer, deps.signal);
  await createConfigStore(deps.paths).update((config) => ({
    ...withoutRegistry(config),
    ...(source.kind === 'url' ? { registry_url: source.location } : {}),
    ...(source.kind === 'api' ? { registry_api_url: source.location } : {}),
    ...(source.kind === 'file' ? { local_registry_path: source.location } : {}),
    allow_private_registry_ip: source.kind !== 'file' && settings.allowPrivateAddress,
    ...(login === undefined ? {} : { registry_auth: loginToConfig(login) }),
  }));
  return source;
}

/** Throws `ERR_OAUTH` unless the issuer answers; what a login takes is loaded only where there is one. */
export async function requireIssuer(issuer: string, signal: AbortSignal | undefined): Promise<void> {
  const { discoverIssuer } = await import('../oauth/index.ts');
  await discoverIssuer(issuer, { signal });
}

/** Back to the built-in catalog. */
export async function unsetSource({ paths }: Pick<SetSourceDeps, 'paths'>): Promise<void> {
  await createConfigStore(paths).update(withoutRegistry);
}

function withoutRegistry({ registry_auth: _, ...config }: ApplicationConfig): ApplicationConfig {
  return {
    ...config,
    registry_url: '',
    registry_api_url: '',
    local_registry_path: '',
    allow_private_registry_ip: false,
  };
}

/** What kind of source it is, and whether it will do. */
async function checkSource(
  { location, allowPrivateAddress }: SourceSettings,
  { env, version, signal }: SetSourceDeps,
): Promise<RegistrySource> {
  const url = URL.canParse(location) ? new URL(location) : undefined;
  if (url === undefined || !['http:', 'https:'].includes(url.protocol) || url.host === '') {
    return { kind: 'file', location: await checkFile(location) };
  }
  const http = createHttpClient({ allowPrivateAddress, env, userAgent: userAgent(version) });
  const kind = location.endsWith('.json') || !(await isApi(location, http, signal)) ? 'url' : 'api';
  await explained(kind, shownUrl(location), signal, async () => {
    if (kind === 'url') await fetchRegistry(location, http, { signal });
    // With private addresses allowed there is nothing that the probe has not told.
    else if (!allowPrivateAddress)
      await http.request(location, { method: 'HEAD', timeoutMs: TIMEOUT_MS, signal });
  });
  return { kind, location };
}

const ApiPage = v.object({ servers: v.array(v.unknown()), metadata: v.record(v.string(), v.unknown()) });

/** Whether a registry API answers there, or something that wants a login. A URL that does not answer at all is refused here. */
async function isApi(location: string, http: HttpClient, signal: AbortSignal | undefined): Promise<boolean> {
  const probe = `${location.replace(/\/$/, '')}/v0.1/servers?limit=1&version=latest`;
  return explained('url', shownUrl(location), signal, async () => {
    const { status, contentType, body } = await http.request(probe, { timeoutMs: TIMEOUT_MS, signal });
    if (status === 401 || status === 403) return true;
    if (status < 200 || status > 299 || !contentType.includes('application/json')) return false;
    try {
      return v.is(ApiPage, JSON.parse(body));
    } catch {
      return false; // not JSON, so no API
    }
  });
}

/** The absolute path of a file that holds a registry. */
async function checkFile(location: string): Promise<string> {
  const path = resolve(location.replace(/^file:\/\//, ''));
  return explained('file', path, undefined, async () => {
    let text: string;
    try {
      text = await readTextFile(path);
    } catch (error) {
      const reason = `failed to set file: local registry file not found or not accessible: ${messageOf(error)}`;
      throw new ThvError('ERR_INPUT_INVALID', { reason }, { cause: error });
    }
    if (!path.toLowerCase().endsWith('.json')) {
      throw new ThvError('ERR_REGISTRY_INVALID', { reason: `the name of ${path} does not end in .json` });
    }
    if (isEmptyRegistry(parseRegistry(text, { source: path, strict: true }))) {
      throw new ThvError('ERR_REGISTRY_INVALID', { reason: `${path} holds no servers, skills, or plugins` });
    }
    return path;
  });
}

/** What went wrong in the words of spec 08 §6.3. */
async function explained<T>(
  kind: 'file' | 'url' | 'api',
  location: string,
  signal: AbortSignal | undefined,
  check: () => Promise<T>,
): Promise<T> {
  try {
    return await check();
  } catch (error) {
    if (signal?.aborted) throw error;
    const original = `Original error: ${messageOf(error)}`;
    const unreachable = (text: string) =>
      new ThvError('ERR_REGISTRY_SOURCE_UNREACHABLE', { reason: `${text}\n${original}` }, { cause: error });
    if (hasCode(error, 'ERR_REGISTRY_LEGACY_FORMAT') || hasCode(error, 'ERR_REGISTRY_INVALID'))
      throw invalid(location, original, error);
    if (!hasCode(error, 'ERR_REGISTRY_REQUEST')) throw error;
    switch (error.facts.failed) {
      case 'timeout':
        throw unreachable(
          `connection timed out after ${TIMEOUT_MS / 1000} seconds\n${location} did not answer. Check the URL and the network.`,
        );
      case 'connection':
        throw unreachable(
          `connection failed\n${location} could not be reached. Check the URL and the network; an address in a private network needs --allow-private-ip.`,
        );
      case 'scheme': {
        const reason = `failed to set ${kind}: failed to set ${kind === 'api' ? 'registry API' : 'remote registry'}: ${messageOf(error)}`;
        throw new ThvError('ERR_INPUT_INVALID', { reason }, { cause: error });
      }
      default:
        throw invalid(location, original, error);
    }
  }
}

function invalid(location: string, original: string, cause: ThvError): ThvError {
  const what =
    cause.code === 'ERR_REGISTRY_LEGACY_FORMAT'
      ? "is in the legacy format. Convert it with 'thv registry convert'."
      : 'does not hold a registry in the upstream format.';
  return new ThvError(
    'ERR_REGISTRY_SOURCE_INVALID',
    { reason: `validation failed\n${location} ${what}\n${original}` },
    { cause },
  );
}
