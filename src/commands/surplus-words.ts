import { PACKAGE_TOOLS } from '../sources/index.ts';

/**
 * What is wrong with words behind the one that says what to run or build, naming the likely cause (spec 01 §4.2): a runner's own
 * command line, an unquoted value of a flag, or an argument that was meant for the server. `undefined` when there are none.
 */
export function surplusProblem(
  [first = '', ...surplus]: readonly string[],
  command: 'run' | 'build',
): string | undefined {
  const [second = ''] = surplus;
  if (second === '') return undefined;
  const found = `unexpected argument ${JSON.stringify(second)} after ${JSON.stringify(first)}`;
  const scheme = PACKAGE_TOOLS.get(first);
  if (scheme !== undefined) {
    const name = surplus.find((word) => !word.startsWith('-')) ?? second;
    return `${found}. Hint: a package is one word: thv ${command} ${scheme}://${name}`;
  }
  const source = surplus.find((word) => word.includes('://'));
  if (source !== undefined && !first.includes('://')) {
    return `${found}. Hint: a value with spaces needs quotes, as in --name "my server"; what to ${command} is one word: thv ${command} ${source}`;
  }
  return `${found}. Hint: arguments for the server go behind '--': thv ${command} ${first} -- ${surplus.join(' ')}`;
}
