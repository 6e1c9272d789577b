/** How clients reach us, as far as it is known to differ from what they dialled. */
export interface PublicPlace {
  /** Path that a proxy in front of us strips, '' for none. */
  readonly prefix: string;
  /** From trusted `X-Forwarded-*`; a scheme counts only together with a host (spec 04 §8.5). */
  readonly host: string | undefined;
  readonly scheme: string | undefined;
}

/**
 * The endpoint that an SSE server announced, as the client has to dial it (spec 04 §8.5). An absolute URL that points
 * at the server itself becomes ours, so that clients never pass us by (§19.10); others keep their host.
 */
export function publicEndpoint(announced: string, place: PublicPlace, target: URL): string {
  const parts = /^(https?):\/\/([^/?#]+)(.*)$/is.exec(announced);
  if (parts === null) return withPrefix(announced, place.prefix);
  const [, scheme = '', host = '', rest = ''] = parts;
  const path = withPrefix(/^[/]/.test(rest) ? rest : `/${rest}`, place.prefix);
  if (place.host !== undefined) return `${place.scheme ?? scheme}://${place.host}${path}`;
  if (isTarget(host, target)) return path;
  return place.prefix === '' ? announced : `${scheme}://${host}${path}`;
}

export function publicPlace(
  headers: Headers,
  options: { readonly trustProxyHeaders: boolean; readonly endpointPrefix: string },
): PublicPlace {
  const forwarded = (name: string) =>
    options.trustProxyHeaders ? headers.get(name)?.split(',')[0]?.trim() || undefined : undefined;
  return {
    prefix: options.endpointPrefix || (forwarded('x-forwarded-prefix') ?? ''),
    host: forwarded('x-forwarded-host'),
    scheme: forwarded('x-forwarded-proto'),
  };
}

function withPrefix(path: string, prefix: string): string {
  const bare = prefix.replace(/^\/+|\/+$/g, '');
  if (bare === '') return path;
  return `/${bare}${path.startsWith('/') ? '' : '/'}${path}`;
}

/** The address we dial, or what the server inside its container takes itself to be. */
function isTarget(host: string, target: URL): boolean {
  const name = host.toLowerCase().replace(/:\d+$/, '');
  return (
    host.toLowerCase() === target.host ||
    ['localhost', '127.0.0.1', '0.0.0.0', '[::1]', '[::]'].includes(name)
  );
}
