import { expect, test } from 'bun:test';
import { renderTable } from './table.ts';

test('columns are as wide as their widest cell plus three, the last one is not padded', () => {
  expect(
    renderTable([
      ['NAME', 'STATUS', 'GROUP'],
      ['fetch', 'running', 'default'],
      ['a-longer-name', '', ''],
    ]),
  ).toBe('NAME            STATUS    GROUP\nfetch           running   default\na-longer-name             \n');
});

test('width is counted in code points', () => {
  expect(
    renderTable([
      ['🔄 x', '1'],
      ['abcd', '2'],
    ]),
  ).toBe('🔄 x    1\nabcd   2\n');
});

const LONG = [
  ['NAME', 'PACKAGE', 'PORT'],
  ['fetch', 'ghcr.io/example/a-very-long-name:1.2.3', '14001'],
];

/** A terminal of that width, without colours. */
const wide = (columns: number | undefined) => ({ columns, hasColours: false });

test.each([
  [
    'no terminal',
    undefined,
    ['PACKAGE                                  PORT', 'ghcr.io/example/a-very-long-name:1.2.3   14001'],
  ],
  [
    'room enough',
    54,
    ['PACKAGE                                  PORT', 'ghcr.io/example/a-very-long-name:1.2.3   14001'],
  ],
  [
    'one character too few',
    53,
    ['PACKAGE                                 PORT', 'ghcr.io/example/a-very-long-name:1.2…   14001'],
  ],
  ['a column is left out', 25, ['PACKAGE', 'ghcr.io/exa…']],
  ['nothing is left to cut', 3, ['PACKAGE', 'ghcr.io/exa…']],
] as const)('with %s, what may be cut is cut', (_, columns, ends) => {
  const look = { terminal: wide(columns), shrinkable: [1], droppable: [2] };
  const [header, row] = ends;
  expect(renderTable(LONG, look)).toBe(`NAME    ${header}\nfetch   ${row}\n`);
});

test('colours are put on cells that are padded already, not on the header', () => {
  const look = {
    terminal: { columns: 80, hasColours: true },
    shrinkable: [],
    paint: (cell: string, column: number) => (column === 0 ? `<${cell}>` : cell),
  };
  expect(
    renderTable(
      [
        ['NAME', 'X'],
        ['fetch', '1'],
      ],
      look,
    ),
  ).toBe('NAME    X\n<fetch   >1\n');
  expect(
    renderTable(
      [
        ['NAME', 'X'],
        ['fetch', '1'],
      ],
      { ...look, terminal: wide(80) },
    ),
  ).toBe('NAME    X\nfetch   1\n');
});

test('no rows, no text', () => {
  expect(renderTable([])).toBe('');
});
