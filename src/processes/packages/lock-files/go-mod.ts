import { judgePath } from './npm-source.ts';
import type { Source } from './refuse.ts';

/** Where a `go.mod` or `go.work` in the folder `base` takes modules from that no module proxy has (go.dev/ref/mod, "replace" and "use"). */
export function* goModSources(text: string, base: string): Generator<Source> {
  let block: string | undefined;
  for (const line of text.split(/\r?\n/).map((each) => each.replace(/(^|\s)\/\/.*$/, '').trim())) {
    const opened = /^(\w+)\s*\($/.exec(line)?.[1];
    if (opened !== undefined) block = opened;
    else if (line === ')') block = undefined;
    else {
      const [, verb = '', rest = ''] =
        block === undefined ? (/^(\w+)\s+(.*)$/.exec(line) ?? []) : ['', block, line];
      if (verb === 'use' && rest !== '') yield { name: 'a module', location: unquoted(rest), base };
      const [, name, target] = verb === 'replace' ? (/^(\S+).*?=>\s*(.+)$/.exec(rest) ?? []) : [];
      if (name !== undefined && target !== undefined && isPath(unquoted(target)))
        yield { name: unquoted(name), location: unquoted(target), base };
    }
  }
}

/** Why a module cannot be taken from a path. */
export function judgeGoSource({ location, base }: Source): string | undefined {
  return judgePath(location, base);
}

/** The target of a replacement without a version is a path when it begins like one. */
function isPath(target: string): boolean {
  return /^(?:\.{1,2}(?:[\\/]|$)|\/|[A-Za-z]:)/.test(target);
}

function unquoted(text: string): string {
  return text.trim().replace(/^["`](.*)["`]$/, '$1');
}
