import type { Say } from './cedar/explain.ts';
import type { AuthzConfig } from './config.ts';

export interface ToolExplanation {
  readonly tool: string;
  readonly says: readonly Say[];
}

/** What policies say about calls of each tool; `undefined` where a decision point decides, which tells no rules. */
export async function explainTools(
  config: AuthzConfig,
  workload: string,
  tools: readonly string[],
): Promise<readonly ToolExplanation[] | undefined> {
  if (config.type === 'httpv1') return undefined;
  const { openExplainer } = await import('./cedar/explain.ts');
  const explainer = await openExplainer(config.cedar, workload);
  return tools.map((tool) => ({ tool, says: explainer.explain(tool) }));
}
