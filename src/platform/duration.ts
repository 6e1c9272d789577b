/** Durations in Go's notation, as the reference's flags and files spell them (`1m30s`, `300ms`). Values are milliseconds. */

const UNIT_MS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

/** Milliseconds of `text`; `problem` names what is wrong in the words of Go's `time.ParseDuration`. */
export function parseDuration(text: string): { readonly ms: number } | { readonly problem: string } {
  const sign = text.startsWith('-') ? -1 : 1;
  const body = text.replace(/^[+-]/, '');
  if (body === '0') return { ms: 0 };
  if (body === '') return { problem: `time: invalid duration ${JSON.stringify(text)}` };
  let total = 0;
  let rest = body;
  while (rest !== '') {
    const number = /^(?:\d+(?:\.\d*)?|\.\d+)/.exec(rest)?.[0];
    if (number === undefined) return { problem: `time: invalid duration ${JSON.stringify(text)}` };
    rest = rest.slice(number.length);
    const unit = /^[^\d.]+/.exec(rest)?.[0];
    if (unit === undefined) return { problem: `time: missing unit in duration ${JSON.stringify(text)}` };
    const factor = UNIT_MS[unit];
    if (factor === undefined) {
      return { problem: `time: unknown unit ${JSON.stringify(unit)} in duration ${JSON.stringify(text)}` };
    }
    total += Number(number) * factor;
    rest = rest.slice(unit.length);
  }
  return { ms: sign * total };
}

/** Go's spelling of a duration: `2h0m0s`, `1m30s`, `300ms`, `0s`. */
export function formatDuration(ms: number): string {
  if (ms === 0) return '0s';
  const sign = ms < 0 ? '-' : '';
  const size = Math.abs(ms);
  if (size < 1) return `${sign}${size * 1000}µs`;
  if (size < 1000) return `${sign}${size}ms`;
  const hours = Math.floor(size / 3_600_000);
  const minutes = Math.floor((size % 3_600_000) / 60_000);
  const seconds = (size % 60_000) / 1000;
  if (hours > 0) return `${sign}${hours}h${minutes}m${seconds}s`;
  return minutes > 0 ? `${sign}${minutes}m${seconds}s` : `${sign}${seconds}s`;
}
