import { writeFile } from 'node:fs/promises';
import * as v from 'valibot';
import { createCommand, type Invocation } from '../cli/index.ts';
import { messageOf, ThvError } from '../errors/index.ts';
import {
  type Conversion,
  convertFileInPlace,
  convertRegistry,
  readRegistryInput,
} from '../registry/index.ts';

const Text = v.optional(v.string(), '');
const Switch = v.optional(v.boolean(), false);

export const registryConvert = createCommand({
  usage: '[flags]',
  long: `Convert a registry from the legacy ToolHive format to the upstream MCP format.

Reads stdin and writes stdout unless files are named. Groups are left out because the upstream format has none.`,
  examples: `
  thv registry convert --in registry.json --out converted.json
  thv registry convert --in registry.json --in-place`,
  flags: {
    in: { kind: 'string', help: 'File to read (default stdin)', schema: Text },
    out: { kind: 'string', help: 'File to write (default stdout)', schema: Text },
    'in-place': {
      kind: 'bool',
      help: 'Replace the file that was read, keeping it as FILE.bak',
      schema: Switch,
    },
    'no-backup': { kind: 'bool', help: 'Keep no FILE.bak', schema: Switch },
  },
  positionals: 'none',
  async run({ options, input, signal, terminal }) {
    const { in: source, out, inPlace, noBackup } = options;
    checkTogether(inPlace && source === '', '--in-place requires --in');
    checkTogether(inPlace && out !== '', '--out cannot be combined with --in-place');
    checkTogether(noBackup && !inPlace, '--no-backup only applies with --in-place');
    const converted = inPlace
      ? await convertFileInPlace(source, { keepBackup: !noBackup })
      : await convertRegistry(
          source === '' ? await input.readAll({ signal }) : await readRegistryInput(source),
        );
    if (converted === undefined) {
      return void terminal.err('Input is already in upstream format; nothing to do.\n');
    }
    for (const warning of converted.warnings) terminal.err(`Warning: ${warning}\n`);
    if (!inPlace) await deliver(converted, out, terminal);
  },
});

function checkTogether(isWrong: boolean, reason: string): void {
  if (isWrong) throw new ThvError('ERR_USAGE', { reason });
}

async function deliver({ text }: Conversion, path: string, terminal: Invocation['terminal']): Promise<void> {
  if (path === '') return void terminal.out(text);
  try {
    await writeFile(path, text, { mode: 0o600 });
  } catch (error) {
    throw new ThvError(
      'ERR_INPUT_INVALID',
      { reason: `failed to write ${path}: ${messageOf(error)}` },
      { cause: error },
    );
  }
}
