import { expect, test } from 'bun:test';
import { renderBoxedTable } from './boxed-table.ts';

test('columns are as wide as what a terminal shows of them', () => {
  expect(
    renderBoxedTable([
      ['CLIENT TYPE', 'INSTALLED'],
      ['cursor', '✅ Yes'],
      ['zed', '❌ No'],
      ['名', ''],
    ]),
  ).toBe(
    `┌─────────────┬───────────┐
│ CLIENT TYPE │ INSTALLED │
├─────────────┼───────────┤
│ cursor      │ ✅ Yes    │
│ zed         │ ❌ No     │
│ 名          │           │
└─────────────┴───────────┘
`,
  );
});
