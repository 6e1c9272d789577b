import * as v from 'valibot';
import { createCommand, formatFlag, type Invocation, printJson } from '../cli/index.ts';
import {
  type BuildVariable,
  buildVariableNameProblem,
  buildVariables,
  findBuildVariable,
  withBuildVariable,
  withoutBuildVariables,
} from '../config/index.ts';
import { ThvError, within } from '../errors/index.ts';
import { userSecrets } from '../secrets/index.ts';
import { openConfig } from './config-store.ts';
import { openSecrets } from './secret-store.ts';

const Switch = v.optional(v.boolean(), false);

const FAILURES: Readonly<Record<BuildVariable['source'], string>> = {
  literal: 'failed to set build environment variable',
  secret: 'failed to set build environment variable from secret',
  shell: 'failed to set build environment variable from shell',
};

export const setBuildEnv = createCommand({
  usage: 'KEY [VALUE] [flags]',
  long: `Set an environment variable that images are built with: to VALUE, to what the secret named VALUE holds when an
image is built, or to what the variable has in the shell then.`,
  examples: `
  thv config set-build-env NPM_CONFIG_REGISTRY https://npm.example.com
  thv config set-build-env GITHUB_TOKEN github-pat --from-secret
  thv config set-build-env HTTP_PROXY --from-env`,
  flags: {
    'from-secret': { kind: 'bool', help: 'Read the value from the secret named VALUE', schema: Switch },
    'from-env': { kind: 'bool', help: 'Copy the variable from the shell that builds', schema: Switch },
  },
  positionals: { between: [1, 2] },
  exclusive: [['from-secret', 'from-env']],
  async run(invocation) {
    const { options, words } = invocation;
    const [name = '', value] = words;
    const variable = variableFrom(value, options);
    await within(FAILURES[variable.source], () => {
      const reason = buildVariableNameProblem(name);
      if (reason !== undefined) throw new ThvError('ERR_INPUT_INVALID', { reason });
    });
    if (variable.source === 'secret') await requireSecret(invocation, variable.secret);
    const store = await openConfig(invocation);
    await within(FAILURES[variable.source], () =>
      store.update((config) => withBuildVariable(config, name, variable)),
    );
  },
});

function variableFrom(
  value: string | undefined,
  { fromSecret, fromEnv }: { readonly fromSecret: boolean; readonly fromEnv: boolean },
): BuildVariable {
  const usage = (reason: string) => new ThvError('ERR_USAGE', { reason });
  if (fromEnv) {
    if (value !== undefined) throw usage('value argument should not be provided when using --from-env');
    return { source: 'shell' };
  }
  if (fromSecret) {
    if (value === undefined) throw usage('secret name is required when using --from-secret');
    return { source: 'secret', secret: value };
  }
  if (value === undefined) throw usage('value is required when not using --from-secret or --from-env');
  return { source: 'literal', value };
}

async function requireSecret(invocation: Invocation, name: string): Promise<void> {
  await within('failed to validate secret', async () => {
    const secrets = userSecrets(await openSecrets(invocation));
    await within(`secret '${name}' not found or inaccessible`, () =>
      secrets.get(name, { signal: invocation.signal }),
    );
  });
}

export const getBuildEnv = createCommand({
  usage: '[KEY] [flags]',
  long: 'Show the environment variables that images are built with, or one of them.',
  flags: { format: formatFlag(['json', 'text'], 'text') },
  positionals: { atMost: 1 },
  async run(invocation) {
    const { options, terminal, words } = invocation;
    const config = await (await openConfig(invocation)).read();
    const [name] = words;
    const variables = buildVariables(config);
    const shown = name === undefined ? variables : new Map([...variables].filter(([key]) => key === name));
    if (options.format === 'json') return printJson(terminal, Object.fromEntries(shown));
    const lines = [...shown].map(([key, variable]) => `${key}=${render(variable)}\n`);
    if (name !== undefined)
      return void terminal.out(lines[0] ?? `Build environment variable ${name} is not configured.\n`);
    if (lines.length === 0) return void terminal.out('No build environment variables are configured.\n');
    terminal.out(`Configured build environment variables:\n${lines.map((line) => `  ${line}`).join('')}`);
  },
});

function render(variable: BuildVariable): string {
  if (variable.source === 'literal') return variable.value;
  return variable.source === 'secret' ? `<from-secret:${variable.secret}>` : '<from-env>';
}

export const unsetBuildEnv = createCommand({
  usage: '[KEY] [flags]',
  long: 'Remove an environment variable that images are built with, or all of them.',
  flags: { all: { kind: 'bool', help: 'Remove all variables', schema: Switch } },
  positionals: { atMost: 1 },
  async run(invocation) {
    const { options, terminal, words } = invocation;
    const [name] = words;
    if (name === undefined && !options.all)
      throw new ThvError('ERR_USAGE', {
        reason: 'please specify a KEY to remove or use --all to remove all variables',
      });
    const store = await openConfig(invocation);
    if (options.all) return void (await store.update((config) => withoutBuildVariables(config)));
    if (name !== undefined && findBuildVariable(await store.read(), name) === undefined)
      return void terminal.out(`Build environment variable ${name} is not configured.\n`);
    await store.update((config) => withoutBuildVariables(config, name));
  },
});
