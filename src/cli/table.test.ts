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

test('no rows, no text', () => {
  expect(renderTable([])).toBe('');
});
