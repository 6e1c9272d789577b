import { expect, test } from 'bun:test';
import { anchorsOf, linksIn, newestVersion } from '../../scripts/documents.ts';

test.each<[string, string, readonly string[]]>([
  ['none', 'plain (text) [and] more', []],
  ['several in a line', '[a](x.md) and [b](../y.md#part)', ['x.md', '../y.md#part']],
  ['an image', '![what it shows](p.svg)', ['p.svg']],
  ['with a title', '[a](x.md "A title")', ['x.md']],
  ['not in code', 'use `[a](x.md)` or\n```md\n[b](y.md)\n```\n[c](z.md)', ['z.md']],
])('links of a text: %s', (_, text, expected) => {
  expect(linksIn(text)).toEqual([...expected]);
});

test('headings are reached by their words in lower case; repeated ones are numbered', () => {
  const anchors = anchorsOf(
    '# The Start\n## 20. Do better, `now`\n## Part\n### Part\n```sh\n# a comment\n```\n',
  );
  expect([...anchors]).toEqual(['the-start', '20-do-better-now', 'part', 'part-1']);
});

test('the newest version of a changelog is the first with a number', () => {
  expect(newestVersion('## [Unreleased]\n\n## [0.2.0]\n\n## [0.1.0]\n')).toBe('0.2.0');
  expect(newestVersion('## [Unreleased]\n')).toBeUndefined();
});
