import { createCommand } from '../cli/index.ts';
import { ThvError } from '../errors/index.ts';

/** Scripts of old may still call it. */
export const groupRun = createCommand({
  usage: 'NAME',
  long: "Groups of a registry can no longer be deployed. Use 'thv group create' and 'thv run --group'.",
  flags: {},
  positionals: { exactly: 1 },
  async run() {
    throw new ThvError('ERR_INPUT_INVALID', {
      reason:
        "registry-based groups are no longer supported; use 'thv group create' and 'thv run --group <name>' instead",
    });
  },
});
