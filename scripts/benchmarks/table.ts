/** One line of a result; a field that is not given is left empty. */
export interface Row {
  readonly metric: string;
  readonly thv: string;
  /** The peer's figure, with its name. */
  readonly peer?: string;
  readonly ratio?: number;
  readonly budget?: Budget;
}

interface Budget {
  readonly text: string;
  readonly isMet: boolean;
}

export function atMost(value: number, limit: number, unit: string): Budget {
  return { text: `≤ ${limit}${unit}`, isMet: value <= limit };
}

export function atLeast(value: number, limit: number, unit: string): Budget {
  return { text: `≥ ${limit}${unit}`, isMet: value >= limit };
}

/** Budgets that hold together. */
export function both(first: Budget, second: Budget): Budget {
  return { text: `${first.text}, ${second.text}`, isMet: first.isMet && second.isMet };
}

/** A markdown table on stdout. */
export function printTable(title: string, rows: readonly Row[]): void {
  const cells = [
    ['metric', 'thv', 'peer', 'ratio', 'budget', 'met?'],
    ...rows.map(({ metric, thv, peer, ratio, budget }) => [
      metric,
      thv,
      peer ?? '',
      ratio === undefined ? '' : `${ratio >= 10 ? ratio.toFixed(1) : ratio.toFixed(2)}×`,
      budget?.text ?? '',
      budget === undefined ? '' : budget.isMet ? 'yes' : '**no**',
    ]),
  ];
  const widths = (cells[0] ?? []).map((_, column) =>
    Math.max(...cells.map((row) => row[column]?.length ?? 0)),
  );
  const line = (row: readonly string[]) =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |\n`;
  const [head = [], ...body] = cells;
  const rule = `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|\n`;
  process.stdout.write(`\n### ${title}\n\n${line(head)}${rule}${body.map(line).join('')}\n`);
}

export function ms(value: number): string {
  return value >= 100
    ? `${value.toFixed(0)} ms`
    : value >= 10
      ? `${value.toFixed(1)} ms`
      : `${value.toFixed(2)} ms`;
}

export function us(value: number): string {
  return `${value.toFixed(1)} µs`;
}

export function mb(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(1)} MB`;
}

export function kb(bytes: number): string {
  return `${(bytes / 1024).toFixed(1)} KB`;
}

export function perSecond(value: number): string {
  return `${Math.round(value).toLocaleString('en-US')}/s`;
}

/** Median of at least one value. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle];
  const lower = sorted.length % 2 === 0 ? sorted[middle - 1] : upper;
  if (upper === undefined || lower === undefined) throw new Error('the median of nothing');
  return (lower + upper) / 2;
}
