import * as v from 'valibot';
import { createCommand, formatFlag, printJson } from '../cli/index.ts';
import { messageOf, ThvError } from '../errors/index.ts';
import { readTextFile, silentLogger } from '../platform/index.ts';

const ACTIONS = ['call_tool', 'get_prompt', 'read_resource'] as const;
const FEATURES = { call_tool: 'tool', get_prompt: 'prompt', read_resource: 'resource' } as const;
const Text = v.optional(v.string(), '');
const Action = v.optional(
  v.pipe(
    v.string(),
    v.transform((text) => /^Action::"(\w+)"$/.exec(text)?.[1] ?? text),
    v.picklist(
      ACTIONS,
      ({ input }) => `invalid value for --action: ${String(input)} (must be ${ACTIONS.join(', ')})`,
    ),
  ),
  'call_tool',
);

export const authzTest = createCommand({
  usage: 'FILE --principal SUBJECT --resource NAME [flags]',
  long: `Decide one request by a file of policies, and show which policies made the decision.

The request is decided as the proxy of a workload decides it. Ends with exit code 0 when it is
allowed and 1 when it is not.`,
  examples: `
  thv authz test policies.yaml --principal joe --action call_tool --resource weather
  thv authz test policies.yaml --principal joe --resource deploy --claims joe.json
  thv authz test policies.yaml --principal joe --action read_resource --resource file:///etc/passwd`,
  flags: {
    principal: { kind: 'string', help: "Who asks: the 'sub' claim of the caller", schema: Text },
    action: { kind: 'string', help: `What is asked for (${ACTIONS.join(', ')})`, schema: Action },
    resource: { kind: 'string', help: 'Name of the tool or prompt, or URI of the resource', schema: Text },
    claims: { kind: 'string', help: 'JSON file with the claims of the caller', schema: Text },
    arguments: { kind: 'string', help: 'JSON file with the arguments of the call', schema: Text },
    annotations: { kind: 'string', help: 'JSON file with what the server says about the tool', schema: Text },
    workload: { kind: 'string', help: 'Name of the workload, for policies about MCP::"name"', schema: Text },
    format: formatFlag(['json', 'text'], 'text'),
  },
  positionals: { exactly: 1 },
  pathWord: 0,
  async run({ words: [path = ''], options, terminal, env }) {
    const { openAuthorizer, parseAuthzFile, readAuthzFile } = await import('../authz/index.ts');
    const { action, format, workload } = options;
    const subject = required('--principal', idOf(options.principal, 'Client'));
    const feature = FEATURES[action];
    const id = required('--resource', idOf(options.resource, TYPES[feature]));
    const claims = { ...(await readObject('--claims', options.claims)), sub: subject };
    const config = await parseAuthzFile(await readAuthzFile(path));
    using authorizer = await openAuthorizer(config, { workload, env, log: silentLogger });
    const verdict = await authorizer.decide({
      identity: {
        kind: 'oidc',
        subject,
        platformUserId: subject,
        owner: undefined,
        name: undefined,
        email: undefined,
        claims,
        delegation: undefined,
        token: undefined,
        tools: undefined,
      },
      feature,
      id,
      arguments: await readObject('--arguments', options.arguments),
      annotations: await readObject('--annotations', options.annotations),
    });
    const { isAllowed, policies, errors } = verdict;
    const decision = isAllowed ? 'allow' : 'deny';
    if (format === 'json') printJson(terminal, { decision, policies, errors });
    else {
      const by =
        policies.length > 0 ? ` by ${policies.join(', ')}` : isAllowed ? '' : ', no policy permits it';
      const why = errors.length > 0 ? ', a policy could not be decided' : by;
      terminal.out(`${decision}${why}\n${errors.map((error) => `  ${error}\n`).join('')}`);
    }
    return isAllowed ? 0 : 1;
  },
});

const TYPES = { tool: 'Tool', prompt: 'Prompt', resource: 'Resource' } as const;

/** `Tool::"weather"` means the same as `weather`. */
function idOf(text: string, type: string): string {
  if (!text.startsWith(`${type}::"`) || !text.endsWith('"')) return text;
  try {
    return String(JSON.parse(text.slice(type.length + 2)));
  } catch {
    return text; // no entity after all
  }
}

function required(flag: string, value: string): string {
  if (value !== '') return value;
  throw new ThvError('ERR_USAGE', { reason: `${flag} is required` });
}

async function readObject(
  flag: string,
  path: string,
): Promise<Readonly<Record<string, unknown>> | undefined> {
  if (path === '') return undefined;
  const failed = (reason: string, cause?: unknown) =>
    new ThvError(
      'ERR_FLAG_INVALID',
      { flag, reason: `invalid value for ${flag}: ${path}: ${reason}` },
      { cause },
    );
  let value: unknown;
  try {
    value = JSON.parse(await readTextFile(path));
  } catch (error) {
    throw failed(messageOf(error), error);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw failed('it must hold a JSON object');
  return value as Readonly<Record<string, unknown>>;
}
