/** The proxy that the environment names for a URL, by the rules that `fetch` follows; `undefined` for a direct connection. */
export function proxyFor(url: URL, env: Readonly<Record<string, string | undefined>>): string | undefined {
  const scheme = url.protocol.replace(':', '');
  const proxy = env[`${scheme}_proxy`] || env[`${scheme.toUpperCase()}_PROXY`] || undefined;
  if (proxy === undefined) return undefined;
  const exceptions = (env['no_proxy'] || env['NO_PROXY'] || '').split(',').map((entry) => entry.trim());
  return exceptions.some((entry) => covers(entry, url)) ? undefined : proxy;
}

function covers(entry: string, { hostname, host }: URL): boolean {
  if (entry === '*') return true;
  const domain = entry.replace(/^\*?\./, '').toLowerCase();
  if (domain === '') return false;
  return [hostname, host].some((name) => name === domain || name.endsWith(`.${domain}`));
}
