import * as v from 'valibot';
import { createCommand, formatFlag, type Invocation, printJson } from '../cli/index.ts';
import {
  BUILD_AUTH_FILE_TYPES,
  type BuildAuthFileType,
  buildAuthFilePath,
  buildAuthFileSecret,
  parseBuildAuthFileType,
} from '../config/index.ts';
import { hasCode, messageOf, ThvError, within } from '../errors/index.ts';
import { scopedSecrets } from '../secrets/index.ts';
import { openConfig } from './config-store.ts';
import { openSecrets } from './secret-store.ts';

const Switch = v.optional(v.boolean(), false);
const TYPES = BUILD_AUTH_FILE_TYPES.map((type) => `${type} (${buildAuthFilePath(type)})`).join(', ');

export const setBuildAuthFile = createCommand({
  usage: 'NAME [CONTENT] [flags]',
  long: `Set a file with credentials for package registries that images are built with: ${TYPES}.

The content is kept as a secret. With --stdin it does not show in the list of processes.`,
  examples: `
  thv config set-build-auth-file npmrc --stdin < ~/.npmrc`,
  flags: { stdin: { kind: 'bool', help: 'Read the content from stdin', schema: Switch } },
  positionals: { between: [1, 2] },
  async run(invocation) {
    const type = parseBuildAuthFileType(invocation.words[0] ?? '');
    const content = await readContent(invocation, invocation.options.stdin);
    const secrets = scopedSecrets(await openSecrets(invocation), 'workloads');
    const name = buildAuthFileSecret(type);
    await within(`failed to store ${type}`, () => secrets.set(name, content));
    const store = await openConfig(invocation);
    await store.update((config) => ({
      ...config,
      build_auth_files: { ...config.build_auth_files, [type]: `secret:${name}` },
    }));
  },
});

async function readContent(
  { input, signal, terminal, words }: Invocation,
  fromStdin: boolean,
): Promise<string> {
  const usage = (reason: string) => new ThvError('ERR_USAGE', { reason });
  const [, argument] = words;
  if (!fromStdin) {
    if (argument === undefined) throw usage('content argument required (or use --stdin to read from stdin)');
    return argument;
  }
  if (argument !== undefined) throw usage('content argument should not be provided when using --stdin');
  const content = terminal.stdinIsTty ? '' : (await input.readAll({ signal })).replace(/\n$/, '');
  if (content === '') throw usage('no input provided on stdin (pipe content or redirect from a file)');
  return content;
}

export const getBuildAuthFile = createCommand({
  usage: '[NAME] [flags]',
  long: 'Show which files with credentials images are built with.',
  flags: {
    'show-content': { kind: 'bool', help: 'Show the content, credentials included', schema: Switch },
    format: formatFlag(['json', 'text'], 'text'),
  },
  positionals: { atMost: 1 },
  async run(invocation) {
    const { options, terminal, words } = invocation;
    const one = words[0] === undefined ? undefined : parseBuildAuthFileType(words[0]);
    const configured = Object.keys((await (await openConfig(invocation)).read()).build_auth_files ?? {});
    const types = BUILD_AUTH_FILE_TYPES.filter(
      (type) => configured.includes(type) && (one === undefined || one === type),
    ).toSorted();
    const contents =
      options.showContent && types.length > 0 ? await readContents(invocation, types) : undefined;
    if (options.format === 'json')
      return printJson(
        terminal,
        types.map((type) => ({ name: type, path: buildAuthFilePath(type), content: contents?.get(type) })),
      );
    if (one !== undefined)
      return void terminal.out(
        types.length === 0 ? `Build auth file ${one} is not configured.\n` : render(one, contents?.get(one)),
      );
    if (types.length === 0) return void terminal.out('No build auth files are configured.\n');
    const entries = types.map((type) => `  ${render(type, contents?.get(type))}`);
    terminal.out(`Configured build auth files:\n${entries.join('')}`);
  },
});

async function readContents(
  invocation: Invocation,
  types: readonly BuildAuthFileType[],
): Promise<ReadonlyMap<BuildAuthFileType, string>> {
  const secrets = scopedSecrets(await openSecrets(invocation), 'workloads');
  const contents = new Map<BuildAuthFileType, string>();
  for (const type of types) {
    const read = () => secrets.get(buildAuthFileSecret(type), { signal: invocation.signal });
    contents.set(type, await within(`failed to read ${type}`, read));
  }
  return contents;
}

function render(type: BuildAuthFileType, content: string | undefined): string {
  const path = buildAuthFilePath(type);
  if (content === undefined) return `${type}: configured -> ${path}\n`;
  return `${type}: ${content.split('\n').length} line(s) -> ${path}\nContent:\n${content}\n`;
}

export const unsetBuildAuthFile = createCommand({
  usage: '[NAME] [flags]',
  long: 'Remove a file with credentials that images are built with, or all of them.',
  flags: { all: { kind: 'bool', help: 'Remove all files', schema: Switch } },
  positionals: { atMost: 1 },
  async run(invocation) {
    const { options, terminal, words } = invocation;
    if (words[0] === undefined && !options.all)
      throw new ThvError('ERR_USAGE', { reason: 'please specify a file name or use --all' });
    const store = await openConfig(invocation);
    const configured = (await store.read()).build_auth_files ?? {};
    const named = options.all ? BUILD_AUTH_FILE_TYPES : [parseBuildAuthFileType(words[0] ?? '')];
    const types = named.filter((type) => Object.hasOwn(configured, type));
    if (types.length === 0)
      return void (options.all || terminal.out(`Build auth file ${named[0]} is not configured.\n`));
    await store.update((config) => {
      const left = Object.entries(config.build_auth_files ?? {}).filter(
        ([type]) => !types.some((removed) => removed === type),
      );
      return { ...config, build_auth_files: left.length === 0 ? undefined : Object.fromEntries(left) };
    });
    await forget(invocation, types);
  },
});

/** The marker is gone, so the content is used no more; that it could not be deleted is worth a word, not a failure. */
async function forget(invocation: Invocation, types: readonly BuildAuthFileType[]): Promise<void> {
  try {
    const secrets = scopedSecrets(await openSecrets(invocation), 'workloads');
    for (const type of types) await secrets.delete(buildAuthFileSecret(type));
  } catch (error) {
    if (hasCode(error, 'ERR_SECRET_NOT_FOUND')) return;
    invocation.terminal.err(`Warning: the stored content was not deleted: ${messageOf(error)}\n`);
  }
}
