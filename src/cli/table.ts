import type { Terminal } from './terminal.ts';

const GAP = 3;
/** Narrower than this, a cell says nothing any more. */
const LEAST_WIDTH = 12;

type Row = readonly string[];

/** How a table fits a terminal. Columns are named by their index. */
export interface TableLook {
  readonly terminal: Pick<Terminal, 'columns' | 'hasColours'>;
  /** Columns whose cells may be cut, the widest first; the end of what is cut becomes `…`. */
  readonly shrinkable: readonly number[];
  /** Columns that are left out, in this order, when cutting is not enough. */
  readonly droppable?: readonly number[];
  /** Colours a finished cell. The header is never coloured. */
  readonly paint?: (cell: string, column: number) => string;
}

interface Column {
  readonly index: number;
  width: number;
}

/**
 * A plain table (spec 01 §1.6): columns as wide as their widest cell plus three spaces, the last cell of a row unpadded,
 * width counted in code points. Every line ends with a newline. With `look` it fits the terminal and has its colours.
 */
export function renderTable(rows: readonly Row[], look?: TableLook): string {
  const columns = fit(columnsOf(rows), look);
  const paint = look?.terminal.hasColours === true ? look.paint : undefined;
  const renderCell = (row: Row, at: number, isHeader: boolean) => {
    const { index, width } = columns[at] as Column;
    const cell = cut(row[index] ?? '', width);
    // A short row ends early, and so does its padding.
    const isLast = at === columns.length - 1 || index === row.length - 1;
    const text = isLast ? cell : cell + ' '.repeat(width + GAP - codePoints(cell));
    return isHeader || paint === undefined ? text : paint(text, index);
  };
  const renderRow = (row: Row, line: number) =>
    columns.map(({ index }, at) => (index < row.length ? renderCell(row, at, line === 0) : '')).join('');
  return rows.map((row, line) => `${renderRow(row, line)}\n`).join('');
}

function columnsOf(rows: readonly Row[]): Column[] {
  const columns: Column[] = [];
  for (const row of rows) {
    for (const [index, cell] of row.entries()) {
      const width = Math.max(columns[index]?.width ?? 0, codePoints(cell));
      columns[index] = { index, width };
    }
  }
  return columns;
}

/** Cuts the widest cells first, then leaves columns out; what is too wide even then is left to the terminal to wrap. */
function fit(columns: Column[], look: TableLook | undefined): readonly Column[] {
  const available = look?.terminal.columns;
  if (look === undefined || available === undefined) return columns;
  let left = columns;
  const excess = () => left.reduce((sum, { width }) => sum + width + GAP, -GAP) - available;
  const drops = [...(look.droppable ?? [])];
  for (;;) {
    const widest = left
      .filter(({ index, width }) => look.shrinkable.includes(index) && width > LEAST_WIDTH)
      .toSorted((a, b) => b.width - a.width)[0];
    if (excess() <= 0) return left;
    if (widest !== undefined) widest.width -= 1;
    else if (drops.length > 0) {
      const dropped = drops.shift();
      left = left.filter(({ index }) => index !== dropped);
    } else return left;
  }
}

function cut(text: string, width: number): string {
  const characters = [...text];
  return characters.length <= width ? text : `${characters.slice(0, width - 1).join('')}…`;
}

function codePoints(text: string): number {
  let count = 0;
  for (const _character of text) count += 1;
  return count;
}
