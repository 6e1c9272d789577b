import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import * as v from 'valibot';
import { createCommand } from '../cli/index.ts';
import { messageOf, ThvError } from '../errors/index.ts';
import { completeWorkloadName } from './workload-names.ts';

const Format = v.optional(
  v.picklist(['json', 'k8s'], ({ input }) => `invalid format '${input}': must be 'json' or 'k8s'`),
  'json',
);

export const exportCommand = createCommand({
  usage: 'NAME PATH [flags]',
  long: `Write the run configuration of an MCP server to a file.

The file holds everything 'thv run --from-config PATH' needs to run the same
server again, here or on another machine. Values of secrets are not in it,
only their names. With --format k8s it is a resource for ToolHive's Kubernetes
operator instead.`,
  examples: `  $ thv export fetch ./fetch.json
  $ thv run --from-config ./fetch.json
  $ thv export fetch ./fetch.yaml --format k8s`,
  flags: {
    format: { kind: 'string', help: 'Export format: json or k8s', schema: Format, checkedFirst: true },
  },
  positionals: { exactly: 2 },
  pathWord: 1,
  complete: completeWorkloadName,
  async run({ words: [name = '', path = ''], options: { format }, terminal, openWorkloads }) {
    const workloads = await openWorkloads();
    const { text, warnings } = await workloads.export(name, format);
    for (const warning of warnings) terminal.err(`${warning}\n`);
    await writeExport(path, text);
    const what = format === 'json' ? 'run configuration' : 'Kubernetes MCPServer resource';
    terminal.out(`Successfully exported ${what} for '${name}' to '${path}'\n`);
  },
});

/** Readable by its owner alone when it is new; a file that is there, or a device, keeps what it has. */
async function writeExport(path: string, text: string): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o750 });
    await writeFile(path, text, { mode: 0o600 });
  } catch (error) {
    throw new ThvError(
      'ERR_FILE_UNWRITABLE',
      { path, reason: `failed to create output file: ${messageOf(error)}` },
      { cause: error },
    );
  }
}
