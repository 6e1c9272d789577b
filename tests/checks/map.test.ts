import { describe, expect, test } from 'bun:test';
import { definitionsOf, namesIn, pathsIn, tableOf, withTable } from '../../scripts/map.ts';

test('paths of a document are files, folders and what lies in the three roots', () => {
  expect(pathsIn('`a/b.ts` `c/` `tests/e2e` `name` `a.json` and a/d.ts')).toEqual([
    'a/b.ts',
    'c/',
    'tests/e2e',
  ]);
});

test.each<[string, string, readonly string[]]>([
  ['behind a colon', '1. `a/b.ts`: `run` → done', ['a/b.ts run']],
  ['behind a comma', 'see `a.ts`, `LIMIT`.', ['a.ts LIMIT']],
  ['in brackets, several', 'step 2 is `a.ts` (`open`, `close`)', ['a.ts open', 'a.ts close']],
  ['of two files in one line', '`a.ts`: `f` → `b.ts`: `g`', ['a.ts f', 'b.ts g']],
  ['a path is no name', '`a.ts`, `b.ts`', []],
  ['a word with other characters is no name', '`a.ts`: `npx://x` and `--flag`', []],
])('a name of a file: %s', (_, text, expected) => {
  expect(namesIn(text).map(({ file, name }) => `${file} ${name}`)).toEqual([...expected]);
});

describe('definitions of a source', () => {
  const names = definitionsOf(`
    export function exported() { function inner() {} }
    const arrow = () => 1, LIMIT = 3;
    class Box { open() {} }
    const object = { method() {}, property: () => 2, value: 7, [computed]: 1 };
    interface Shape { declared(): void }
    other(used);
  `);

  test.each(['exported', 'inner', 'arrow', 'LIMIT', 'Box', 'open', 'object', 'method', 'property'])(
    '%s is one',
    (name) => {
      expect(names.has(name)).toBeTrue();
    },
  );

  test.each(['value', 'computed', 'declared', 'other', 'used', 'Shape'])('%s is none', (name) => {
    expect(names.has(name)).toBeFalse();
  });
});

describe('the table of rooms', () => {
  const table = tableOf({ 'main.ts': 'first', rooms: 'second' });

  test('has a row per room in their order', () => {
    expect(table).toBe('| room | job |\n| --- | --- |\n| `main.ts` | first |\n| `rooms/` | second |');
  });

  test('is put between its marks, and leaves the rest alone', () => {
    const text = 'a\n<!-- rooms: made -->\nold\n<!-- end of rooms -->\nb\n';
    const once = withTable(text, table);
    expect(once).toBe(`a\n<!-- rooms: made -->\n${table}\n<!-- end of rooms -->\nb\n`);
    expect(withTable(once ?? '', table)).toBe(once);
  });

  test('a document without the marks is told of', () => {
    expect(withTable('a\n', table)).toBeUndefined();
  });
});
