/**
 * Links of documents lead somewhere: to a file or folder that is there, and to a heading that it has. Paths in back-ticks
 * exist, except in chapters, which also name files of users and plans. The newest version in CHANGELOG.md is that of package.json.
 */
import { existsSync, statSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { Glob } from 'bun';
import { pathsIn } from './map.ts';

/** Where documents are. */
const PLACES = ['*.md', '.github/**/*.md', 'src/**/*.md'];

/** Targets of the links and images of a Markdown text, those in code left out. */
export function linksIn(text: string): readonly string[] {
  const prose = text.replace(/^ *```[\s\S]*?^ *```$/gm, '').replace(/(`+)[^`][\s\S]*?\1/g, '');
  return [...prose.matchAll(/\]\(\s*<?([^)>\s]+)>?[^)]*\)/g)].map(([, target = '']) => target);
}

/** The fragments by which a page's headings are reached, as forges make them. */
export function anchorsOf(text: string): ReadonlySet<string> {
  const seen = new Map<string, number>();
  return new Set(
    [...text.replace(/^ *```[\s\S]*?^ *```$/gm, '').matchAll(/^#{1,6} +(.+?) *$/gm)].map(
      ([, heading = '']) => {
        const slug = heading
          .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
          .toLowerCase()
          .replace(/[^\p{L}\p{N}\s_-]/gu, '')
          .replaceAll(' ', '-');
        const count = seen.get(slug) ?? 0;
        seen.set(slug, count + 1);
        return count === 0 ? slug : `${slug}-${count}`;
      },
    ),
  );
}

/** The first version that a changelog names; "Unreleased" is none. */
export function newestVersion(changelog: string): string | undefined {
  return /^## \[(\d[^\]]*)\]/m.exec(changelog)?.[1];
}

if (import.meta.main) process.exit(await main());

async function main(): Promise<number> {
  const complaints: string[] = [];
  const documents = PLACES.flatMap((place) => [...new Glob(place).scanSync({ dot: true })]).sort();
  if (documents.length < PLACES.length) complaints.push('documents were not found');
  for (const document of documents) {
    const text = await Bun.file(document).text();
    // What a build makes is not there on a fresh clone.
    for (const path of document.startsWith('src/spec/') ? [] : pathsIn(text))
      if (!path.startsWith('dist/') && !existsSync(path) && !existsSync(`src/${path}`))
        complaints.push(`${document}: ${path} does not exist`);
    for (const target of linksIn(text)) {
      if (/^[a-z]+:/.test(target)) continue;
      const [path = '', fragment] = target.split('#');
      const file = path === '' ? document : normalize(join(dirname(document), path));
      if (!existsSync(file)) complaints.push(`${document}: ${target} does not exist`);
      else if (fragment !== undefined && !(await hasAnchor(file, fragment)))
        complaints.push(`${document}: ${file} has no heading #${fragment}`);
    }
  }
  const { version } = (await Bun.file('package.json').json()) as { readonly version: string };
  const newest = newestVersion(await Bun.file('CHANGELOG.md').text());
  if (newest !== version)
    complaints.push(`CHANGELOG.md: the newest version is ${newest}, package.json says ${version}`);
  for (const complaint of complaints) process.stderr.write(`${complaint}\n`);
  return complaints.length === 0 ? 0 : 1;
}

async function hasAnchor(file: string, fragment: string): Promise<boolean> {
  return statSync(file).isFile() && anchorsOf(await Bun.file(file).text()).has(fragment);
}
