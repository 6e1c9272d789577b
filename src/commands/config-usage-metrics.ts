import { createCommand } from '../cli/index.ts';
import { ThvError } from '../errors/index.ts';
import { openConfig } from './config-store.ts';

const CHOICES = ['enable', 'disable'];

export const usageMetrics = createCommand({
  usage: 'enable|disable [flags]',
  long: `Allow or forbid usage metrics: how many tool calls were made, and nothing else.

They are sent to the address that usage_metrics_url in the configuration file names. Without one nothing is sent.`,
  flags: {},
  positionals: { exactly: 1 },
  complete: async ({ words }) => (words.length > 0 ? [] : CHOICES.map((value) => ({ value }))),
  async run(invocation) {
    const [choice = ''] = invocation.words;
    if (!CHOICES.includes(choice))
      throw new ThvError('ERR_INPUT_INVALID', {
        reason: `invalid argument: ${choice} (expected 'enable' or 'disable')`,
      });
    await (await openConfig(invocation)).update((config) => ({
      ...config,
      disable_usage_metrics: choice === 'disable' ? true : undefined,
    }));
  },
});
