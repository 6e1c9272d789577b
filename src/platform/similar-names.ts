/** Names a person may have meant by `typed`: within two edits, or beginning with it, ignoring case (spec 01 §1.4). */
export function similarNames(typed: string, names: readonly string[]): readonly string[] {
  const wanted = typed.toLowerCase();
  return names
    .filter((name) => name.toLowerCase().startsWith(wanted) || editDistance(wanted, name.toLowerCase()) <= 2)
    .sort();
}

/** Levenshtein distance: insertions, deletions and substitutions of single characters. */
function editDistance(from: string, to: string): number {
  const target = [...to];
  let row = Array.from({ length: target.length + 1 }, (_, column) => column);
  for (const [line, character] of [...from].entries()) {
    const next = [line + 1];
    for (const [column, other] of target.entries()) {
      const substitute = (row[column] ?? 0) + (character === other ? 0 : 1);
      next.push(Math.min(substitute, (row[column + 1] ?? 0) + 1, (next[column] ?? 0) + 1));
    }
    row = next;
  }
  return row[target.length] ?? 0;
}
