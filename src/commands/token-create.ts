import * as v from 'valibot';
import { createCommand } from '../cli/index.ts';
import { createTokenStore, issueToken } from '../tokens/index.ts';

/** Repeated, or separated by commas, or both. */
const Names = v.optional(
  v.pipe(
    v.array(v.string()),
    v.transform((given) => given.flatMap((names) => names.split(',')).map((name) => name.trim())),
  ),
  [],
);

export const tokenCreate = createCommand({
  usage: 'NAME --workload WORKLOAD [flags]',
  long: `Make an access token for workloads that were started with --require-token, and print it.

It is shown this once. Clients send it in the header 'Authorization: Bearer TOKEN'. Policies and audit
know who brings it as 'token:NAME'. With --tools it shows and calls these tools only; prompts and resources
are not limited by it.`,
  examples: `
  thv run fetch --require-token
  thv token create ci --workload fetch --expires 30d
  thv token create reader --workload github --tools get_issue,list_issues`,
  flags: {
    workload: {
      kind: 'stringArray',
      help: 'Workload that the token is for (comma-separated, may be repeated; required)',
      schema: Names,
    },
    tools: {
      kind: 'stringArray',
      help: 'Tools that it may call, by the names that clients see (comma-separated, may be repeated; default: all)',
      schema: Names,
    },
    expires: {
      kind: 'string',
      help: 'Time after which it ends, such as 30d or 12h (default: never)',
      schema: v.optional(v.string(), ''),
    },
  },
  positionals: { exactly: 1 },
  async run({ words: [name = ''], options, terminal, openWorkloads, findPaths }) {
    const manager = await openWorkloads();
    const { token, open } = await issueToken(
      createTokenStore((await findPaths()).state),
      { name, workloads: options.workload, tools: options.tools, expires: options.expires },
      async (workload) => (await manager.config(workload)).require_token === true,
    );
    terminal.out(`${token}\n`);
    for (const workload of open) {
      terminal.err(
        `Warning: ${workload} does not ask for access tokens: run it with --require-token to let in only those who have one\n`,
      );
    }
    if (!terminal.stderrIsTty) return;
    terminal.err(
      `This is the only time that the token is shown. Give it to a client as the header 'Authorization: Bearer TOKEN', for example:\n`,
    );
    const [workload = ''] = options.workload;
    const { url = 'URL' } = await manager.get(workload).catch(() => ({ url: undefined })); // an example does without
    terminal.err(
      `  claude mcp add --transport http ${workload} ${url} --header 'Authorization: Bearer TOKEN'\n`,
    );
  },
});
