import type { RegistryEntry } from '../registry/index.ts';

const WIDTH = 50;
const DOTS = '...';

/** One line of at most 50 columns, cut between characters (spec 08 §6.1, 01 §14-21). */
export function shortText(text: string): string {
  const line = plainText(text).replace(/ +/g, ' ').trim();
  if (Bun.stringWidth(line) <= WIDTH) return line;
  // Nearly all of them; telling characters apart takes a machinery that is slow to start.
  if (/^[\x20-\x7e]*$/.test(line)) return `${line.slice(0, WIDTH - DOTS.length)}${DOTS}`;
  let kept = '';
  let width = 0;
  for (const { segment } of new Intl.Segmenter().segment(line)) {
    width += Bun.stringWidth(segment);
    if (width > WIDTH - DOTS.length) break;
    kept += segment;
  }
  return `${kept}${DOTS}`;
}

/** Without what would steer a terminal: registries are written by others. */
export function plainText(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, ' ');
}

export function starsOf({ metadata }: RegistryEntry): string {
  return String(metadata?.stars ?? 0);
}
