import * as v from 'valibot';
import { createCommand, type Invocation, type OptionsOf, printJson } from '../cli/index.ts';
import { messageOf, ThvError } from '../errors/index.ts';
import { readTextFile } from '../platform/index.ts';
import { renderToolResult } from './mcp-render.ts';
import { findServerUrl, serverFlags } from './mcp-server-flags.ts';
import { authorizationIn } from './token-in-environment.ts';

const flags = {
  ...serverFlags,
  args: {
    kind: 'string',
    help: 'Arguments of the tool as a JSON object',
    schema: v.optional(v.string(), ''),
  },
  'args-file': {
    kind: 'string',
    help: "File that holds the tool's arguments as a JSON object ('-' for stdin)",
    schema: v.optional(v.string(), ''),
  },
  'ignore-tool-error': {
    kind: 'bool',
    help: 'Exit with 0 even if the tool reports an error',
    schema: v.optional(v.boolean(), false),
  },
} as const;

type Call = Invocation<OptionsOf<typeof flags>>;

export const mcpCall = createCommand({
  usage: 'TOOL [flags]',
  long: `Call a tool of an MCP server and print its result.

When the tool reports an error the result is printed all the same, and the command exits with 1.`,
  examples: `
  thv mcp call echo --server everything --args '{"message":"hello"}'
  thv mcp call query --server http://127.0.0.1:14001/mcp --args-file - --format json < arguments.json`,
  flags,
  positionals: { exactly: 1 },
  exclusive: [['args', 'args-file']],
  run: callTool,
});

async function callTool(invocation: Call): Promise<void> {
  const { options, words, signal, terminal } = invocation;
  const [tool = ''] = words;
  const toolArguments = await readArguments(invocation);
  const url = await findServerUrl(options.server, invocation);
  const { connectMcp, describeFailure } = await import('./mcp-client.ts');
  await using connection = await connectMcp({
    url,
    transport: options.transport,
    authorization: authorizationIn(invocation.env),
    timeoutMs: options.timeout,
    signal,
  });
  const params = { name: tool, ...(toolArguments === undefined ? {} : { arguments: toolArguments }) };
  const result = await connection.client.callTool(params, connection.request).catch((error: unknown) => {
    signal.throwIfAborted();
    const reason = `failed to call tool ${JSON.stringify(tool)}: ${describeFailure(error, connection)}`;
    throw new ThvError('ERR_MCP_REQUEST', { reason }, { cause: error });
  });
  if (options.format === 'json') {
    printJson(terminal, result);
  } else {
    if (result.isError) terminal.err('Error:\n');
    terminal.out(renderToolResult(result));
  }
  if (result.isError && !options.ignoreToolError) throw new ThvError('ERR_TOOL_RESULT', { tool });
}

/** `undefined` when no arguments were given. Throws `ERR_INPUT_INVALID` or `ERR_FILE_UNREADABLE`. */
async function readArguments(call: Call): Promise<Record<string, unknown> | undefined> {
  const { given, options } = call;
  if (given.has('args')) return parseToolArguments(options.args);
  return given.has('args-file') ? parseToolArguments(await readArgumentsFile(call)) : undefined;
}

async function readArgumentsFile({ options: { argsFile: path }, input, signal }: Call): Promise<string> {
  try {
    return path === '-' ? await input.readAll({ signal }) : await readTextFile(path);
  } catch (error) {
    signal.throwIfAborted();
    const reason = `failed to read args file: ${messageOf(error)}`;
    throw new ThvError('ERR_FILE_UNREADABLE', { path, reason }, { cause: error });
  }
}

export function parseToolArguments(text: string): Record<string, unknown> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    const reason = `failed to parse tool arguments as JSON: ${messageOf(error)}`;
    throw new ThvError('ERR_INPUT_INVALID', { reason }, { cause: error });
  }
  const kind = parsed === null ? 'null' : Array.isArray(parsed) ? 'array' : typeof parsed;
  if (kind !== 'object') {
    throw new ThvError('ERR_INPUT_INVALID', { reason: `tool arguments must be a JSON object, got ${kind}` });
  }
  return parsed as Record<string, unknown>;
}
