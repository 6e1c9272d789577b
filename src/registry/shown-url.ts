/** A URL as messages and logs may hold it: without the login that may stand in it. */
export function shownUrl(url: string | URL): string {
  return String(url).replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/?#]*@/i, '$1');
}
