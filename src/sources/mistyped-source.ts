/** Programs that people run packages with, and the scheme that stands for each here. */
export const PACKAGE_TOOLS: ReadonlyMap<string, 'npx' | 'uvx' | 'go'> = new Map([
  ['npx', 'npx'],
  ['npm', 'npx'],
  ['bunx', 'npx'],
  ['pnpx', 'npx'],
  ['uvx', 'uvx'],
  ['pipx', 'uvx'],
  ['pip', 'uvx'],
  ['pypi', 'uvx'],
  ['go', 'go'],
]);

/**
 * What somebody most likely meant by a word without `://`: `npx:/x`, `npm:x` and `@scope/x` are packages, `https:/x` is a URL.
 * `undefined` when there is no telling.
 */
export function suggestSource(text: string): string | undefined {
  const [, tool = '', rest = ''] = /^([a-z]+):\/?([^/:\s].*)$/i.exec(text) ?? [];
  const scheme = PACKAGE_TOOLS.get(tool.toLowerCase());
  // `npx:1.2` may be an image of that name with a tag; a name with a slash or a scope is no tag.
  if (scheme !== undefined && (text.includes('/') || tool !== scheme || rest.startsWith('@')))
    return `${scheme}://${rest}`;
  if (/^https?$/i.test(tool)) return `${tool.toLowerCase()}://${rest}`;
  return /^@[\w.~-]+\/[\w.~-]+(?:@[\w.^~<>=*+-]+)?$/.test(text) ? `npx://${text}` : undefined;
}
