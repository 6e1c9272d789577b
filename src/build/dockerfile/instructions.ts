/** One `RUN` over several lines; a line that ends in a shell word like `then`, or in `;`, is continued as it is. */
export function runLines(...lines: readonly string[]): readonly string[] {
  const last = lines.length - 1;
  return lines.map((line, index) => {
    const start = index === 0 ? 'RUN ' : '    ';
    if (index === last) return `${start}${line}`;
    return `${start}${line}${/(?:;|\{|\bthen|\belse|\bdo)$/.test(line) ? '' : ';'} \\`;
  });
}

/** `ENV` with a value that passed the rules of spec 03 §13.5: what is left to hide from the builder is the dollar sign. */
export function environmentLine(name: string, value: string): string {
  return `ENV ${name}="${value.replaceAll('$', '\\$')}"`;
}

/** A word of a shell command; the text has no single quote. */
export function shellWord(text: string): string {
  return /^[A-Za-z0-9@/._+-]+$/.test(text) ? text : `'${text}'`;
}
