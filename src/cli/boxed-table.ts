/**
 * A table in light box drawing (spec 01 §1.6): one space of padding, a rule below the header only, width by the columns
 * that a terminal shows. The first row is the header.
 */
export function renderBoxedTable(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => Bun.stringWidth(row[column] ?? ''))),
  );
  const line = (row: readonly string[]) =>
    `│${widths.map((width, column) => ` ${padded(row[column] ?? '', width)} `).join('│')}│\n`;
  const rule = (left: string, middle: string, right: string) =>
    `${left}${widths.map((width) => '─'.repeat(width + 2)).join(middle)}${right}\n`;
  const [header = [], ...body] = rows;
  return [
    rule('┌', '┬', '┐'),
    line(header),
    rule('├', '┼', '┤'),
    ...body.map(line),
    rule('└', '┴', '┘'),
  ].join('');
}

function padded(cell: string, width: number): string {
  return cell + ' '.repeat(width - Bun.stringWidth(cell));
}
