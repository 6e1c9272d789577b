import { ThvError } from '../../../errors/index.ts';
import { proxyFor } from '../../../net/index.ts';
import type { Reach } from '../confined/installer.ts';

const HOSTS_VARIABLE = 'TOOLHIVE_INSTALL_HOSTS';
const PROXY_NAMES = [
  'HTTP_PROXY',
  'HTTPS_PROXY',
  'NO_PROXY',
  'http_proxy',
  'https_proxy',
  'no_proxy',
] as const;
const HOST = /^(?:\*\.)?[a-z0-9-]+(?:\.[a-z0-9-]+)*(?::\d{1,5})?$/i;

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The way to registries: their URLs, or hosts, that the user's configuration names; what a folder names, which must not lead to
 * a private network; what `TOOLHIVE_INSTALL_HOSTS` adds. Throws `ERR_INPUT_INVALID` for what is no host there.
 */
export function reachOf(
  env: Environment,
  registries: { readonly ofUser: readonly string[]; readonly ofFolder?: readonly string[] },
  proxies: Readonly<Record<string, string>> = proxiesOf(env),
): Reach {
  const added = (env[HOSTS_VARIABLE] ?? '').split(/[\s,]+/).filter((entry) => entry !== '');
  for (const entry of added) {
    if (HOST.test(entry)) continue;
    const reason = `${HOSTS_VARIABLE} holds ${JSON.stringify(entry)}, which is not a host such as example.com or example.com:8443`;
    throw new ThvError('ERR_INPUT_INVALID', { reason });
  }
  const ofUser = [...registries.ofUser, ...added].map(addressOf);
  // A name that is not given in full is never taken to a private network.
  const ofFolder = (registries.ofFolder ?? [])
    .map(addressOf)
    .map(({ host, port }) => ({ host: `*.${host}`, port }));
  const all = [...ofUser, ...ofFolder].filter(({ host }) => host !== '' && host !== '*.');
  return {
    hosts: [...new Set(all.map(({ host }) => host))],
    ports: [...new Set(all.map(({ port }) => port))],
    through: (url) => proxyFor(url, proxies),
    proxies,
  };
}

/** The proxy variables of an environment. */
export function proxiesOf(env: Environment): Readonly<Record<string, string>> {
  return Object.fromEntries(PROXY_NAMES.flatMap((name) => (env[name] ? [[name, env[name]] as const] : [])));
}

/** Host and port of a URL, or of a bare host with or without a port. */
function addressOf(text: string): { readonly host: string; readonly port: number } {
  if (!URL.canParse(text) || !/^[a-z+]+:\/\//i.test(text)) {
    const [, host = '', port] = /^(.*?)(?::(\d+))?$/.exec(text) ?? [];
    return { host: host.toLowerCase(), port: port === undefined ? 443 : Number(port) };
  }
  const { protocol, hostname, port } = new URL(text);
  return { host: hostname, port: port === '' ? (protocol === 'http:' ? 80 : 443) : Number(port) };
}

/** What to do about connections that were denied. */
export function deniedHint(denied: readonly string[]): string | undefined {
  if (denied.length === 0) return undefined;
  return `it wanted to reach ${denied.join(', ')}, which is not a registry in force; if that is meant to be, name it in ${HOSTS_VARIABLE}`;
}
