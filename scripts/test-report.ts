import { parseXml, XmlElement } from '@rgrove/parse-xml';

/** What a run of the suites came to. */
export interface TestReport {
  readonly passed: number;
  readonly skipped: number;
  readonly failures: readonly Failure[];
}

export interface Failure {
  /** From the repository's root; '' when it is not known. */
  readonly file: string;
  /** With the names of the groups around it. */
  readonly test: string;
  readonly message: string;
}

/** Reads what `bun test --reporter junit` writes; '' is a report that was never written and counts nothing. */
export function parseReport(junit: string): TestReport {
  if (junit === '') return { passed: 0, skipped: 0, failures: [] };
  const failures: Failure[] = [];
  let [passed, skipped] = [0, 0];
  const visit = (element: XmlElement, groups: readonly string[]) => {
    for (const child of element.children) {
      if (!(child instanceof XmlElement)) continue;
      const { name = '', file = '' } = child.attributes;
      if (child.name !== 'testcase') {
        visit(child, name === file ? [] : [...groups, name]);
        continue;
      }
      const outcomes = child.children.filter((outcome) => outcome instanceof XmlElement);
      const failure = outcomes.find(({ name: kind }) => kind === 'failure' || kind === 'error');
      if (failure !== undefined) {
        const message = failure.text.trim() || (failure.attributes['message'] ?? '');
        failures.push({ file, test: [...groups, name].join(' > '), message });
      } else if (outcomes.some(({ name: kind }) => kind === 'skipped')) skipped++;
      else passed++;
    }
  };
  const { root } = parseXml(junit);
  if (root !== null) visit(root, []);
  return { passed, skipped, failures };
}
