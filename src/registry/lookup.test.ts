import { describe, expect, test } from 'bun:test';
import { fromLegacy } from './legacy-format.ts';
import { closeEntryNames, findEntry, searchEntries } from './lookup.ts';

const { entries } = fromLegacy({
  servers: {
    'io.github.b/fetch': { description: 'Gets pages', tags: ['web'] },
    'io.github.a/osv': { description: 'Vulnerabilities' },
    'io.github.a/git': {},
    'io.github.z/both': {},
    plain: {},
  },
  remote_servers: { 'io.github.c/git': {}, 'io.github.z/both': { description: 'PAGES too' } },
});

describe('findEntry', () => {
  test.each([
    ['its full name', 'io.github.a/osv', 'io.github.a/osv', 'container'],
    ['the part behind the slash', 'osv', 'io.github.a/osv', 'container'],
    ['a name without slash', 'plain', 'plain', 'container'],
    ['a full name of both kinds: the container', 'io.github.z/both', 'io.github.z/both', 'container'],
    ['a short name of both kinds of one server', 'both', 'io.github.z/both', 'container'],
    ['a remote', 'io.github.c/git', 'io.github.c/git', 'remote'],
  ])('by %s', (_what, typed, name, kind) => {
    const entry = findEntry(entries, typed);
    expect([entry?.name, entry?.kind]).toEqual([name, kind]);
  });

  test.each(['OSV', 'a/osv', '', 'sv', '/osv'])('%j is nobody', (typed) => {
    expect(findEntry(entries, typed)).toBeUndefined();
  });

  test('a short name of several is refused with all of them', () => {
    expect(() => findEntry(entries, 'git')).toThrow(
      "multiple servers match 'git': io.github.a/git, io.github.c/git — use the full name",
    );
  });
});

describe('searchEntries', () => {
  test.each([
    ['a name', 'OSV', ['io.github.a/osv']],
    ['a description', 'pages', ['io.github.b/fetch', 'io.github.z/both']],
    ['a tag', 'web', ['io.github.b/fetch']],
    ['a publisher, when it looks like one', 'github.a/', ['io.github.a/git', 'io.github.a/osv']],
    ['a word that only publishers have', 'github', []],
    ['nothing', 'nothing', []],
  ])('finds by %s', (_what, query, names) => {
    expect(searchEntries(entries, query).map(({ name }) => name)).toEqual(names);
  });

  test('an empty query finds all', () => {
    expect(searchEntries(entries, '')).toHaveLength(entries.length);
  });
});

test.each([
  ['two edits', 'fecth', ['fetch']],
  ['the beginning', 'pl', ['plain']],
  ['several servers of that short name are named in full', 'gut', ['io.github.a/git', 'io.github.c/git']],
  ['a full name', 'io.github.a/osw', ['io.github.a/osv']],
  ['nothing close', 'elephant', []],
  ['nothing typed', '', []],
])('closeEntryNames: %s', (_what, typed, expected) => {
  expect(closeEntryNames(entries, typed)).toEqual(expected);
});

test('closeEntryNames: a beginning that hundreds share is answered with a few', () => {
  const servers = Object.fromEntries(Array.from({ length: 300 }, (_, index) => [`mcp-${index + 100}`, {}]));
  expect(closeEntryNames(fromLegacy({ servers }).entries, 'mcp')).toEqual([
    'mcp-100',
    'mcp-101',
    'mcp-102',
    'mcp-103',
    'mcp-104',
  ]);
});
