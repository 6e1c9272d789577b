import type { Verdict } from '../types.ts';

/** The last decisions by the text of the question. Bounded: what a client asks must not become memory. */
export interface DecisionCache {
  find(question: string, decide: () => Verdict): Verdict;
}

const MAX_ENTRIES = 1024;
const MAX_QUESTION = 4096;

export function createDecisionCache(maxEntries = MAX_ENTRIES): DecisionCache {
  const verdicts = new Map<string, Verdict>();
  return {
    find(question, decide) {
      if (question.length > MAX_QUESTION) return decide();
      const known = verdicts.get(question);
      if (known !== undefined) {
        // The map keeps the order of insertion: what was asked last goes last.
        if (verdicts.size > maxEntries / 2) {
          verdicts.delete(question);
          verdicts.set(question, known);
        }
        return known;
      }
      const verdict = decide();
      // An error may be the engine's, and gone the next time.
      if (verdict.errors.length > 0) return verdict;
      if (verdicts.size >= maxEntries) {
        const [oldest] = verdicts.keys();
        if (oldest !== undefined) verdicts.delete(oldest);
      }
      verdicts.set(question, verdict);
      return verdict;
    },
  };
}
