const GAP = 3;

/**
 * A plain table (spec 01 §1.6): columns as wide as their widest cell plus three spaces, the last cell of a row unpadded,
 * width counted in code points. Every line ends with a newline.
 */
export function renderTable(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [column, cell] of row.slice(0, -1).entries()) {
      widths[column] = Math.max(widths[column] ?? 0, codePoints(cell));
    }
  }
  return rows
    .map((row) => `${row.map((cell, column) => pad(cell, column, row, widths)).join('')}\n`)
    .join('');
}

function pad(cell: string, column: number, row: readonly string[], widths: readonly number[]): string {
  if (column === row.length - 1) return cell;
  return cell + ' '.repeat((widths[column] ?? 0) + GAP - codePoints(cell));
}

function codePoints(text: string): number {
  let count = 0;
  for (const _character of text) count += 1;
  return count;
}
