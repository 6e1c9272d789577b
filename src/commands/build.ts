import * as v from 'valibot';
import type { BuildImageOptions, BuildInputs } from '../build/index.ts';
import { createCommand, type Invocation, type OptionsOf } from '../cli/index.ts';
import { messageOf, ThvError, within } from '../errors/index.ts';
import { runtimeAskedBy } from '../records/index.ts';
import { createProgress } from './progress.ts';
import { surplusProblem } from './surplus-words.ts';

const Text = v.optional(v.string(), '');
const Texts = v.optional(v.array(v.string()), []);

const flags = {
  tag: { kind: 'string', shorthand: 't', help: 'Name of the image (name:tag)', schema: Text },
  output: {
    kind: 'string',
    shorthand: 'o',
    help: 'Write the Dockerfile to this file instead of building',
    schema: Text,
  },
  'dry-run': {
    kind: 'bool',
    help: 'Print the Dockerfile instead of building; no container engine is needed',
    schema: v.optional(v.boolean(), false),
  },
  'build-with': {
    kind: 'stringArray',
    help: 'Further Python requirement to install beside a uvx:// package (can be repeated)',
    schema: Texts,
  },
  'ca-cert': {
    kind: 'string',
    help: 'CA certificate that the build and the server trust (beats the configured one)',
    schema: Text,
  },
  'runtime-image': { kind: 'string', help: 'Image to build on', schema: Text },
  'runtime-add-package': {
    kind: 'stringArray',
    help: 'Package of the Linux distribution to install in the image (can be repeated)',
    schema: Texts,
  },
} as const;

export const build = createCommand({
  usage: '[flags] PROTOCOL [-- ARGS...]',
  long: `Build a container image that runs an MCP server from a package or a folder, without
running it.

  uvx://name[@version]             a Python package
  npx://[@scope/]name[@version]    an npm package
  go://module/path[@version]       a Go package
  go://./path                      a Go project on this machine
  ., ./folder                      a folder with a Dockerfile, a package.json, a
                                   pyproject.toml, or Go files

What stands behind '--' becomes part of the image's entrypoint. The last line of
the output is the name of the image. A server that was built needs no network to start.`,
  examples: `
  thv build uvx://mcp-server-time
  thv build npx://@modelcontextprotocol/server-everything@2025.8.18 --tag team/everything:1
  thv build --dry-run go://./cmd/server -- serve`,
  flags,
  positionals: (words) =>
    words.length > 0 ? surplusProblem(words, 'build') : 'requires at least 1 arg(s), only received 0',
  serverArguments: true,
  pathWord: 0,
  unknownFlagHint: (flag) => `arguments for the server go behind '--': thv build PROTOCOL -- ${flag}`,
  run: buildImage,
});

async function buildImage(invocation: Invocation<OptionsOf<typeof flags>>): Promise<void> {
  const { options, words, env, signal, terminal } = invocation;
  const text = words[0] ?? '';
  const { checkImageName } = await import('../build/index.ts');
  const source = await findSource(text);
  const tag = options.tag === '' ? undefined : options.tag;
  if (tag !== undefined) checkImageName(tag);
  const inputs = await buildInputs(invocation);
  if (options.dryRun || options.output !== '') return writeDockerfile(text, source, inputs, invocation);

  const log = await invocation.openLog();
  using progress = createProgress(terminal);
  const image = await within(`failed to build container for ${text}`, async () => {
    const { openEngine } = await import('../engine/index.ts');
    const engine = await within('failed to create container runtime', () =>
      openEngine({ env, wanted: runtimeAskedBy(env), signal }),
    );
    return source.build({ ...inputs, engine, progress, tag, fresh: true });
  });
  log.info(`Successfully built container image: ${image}`);
  terminal.out(`${image}\n`);
}

/** What the word names, to be built or shown. */
interface BuildSource {
  build(options: BuildImageOptions): Promise<string>;
  dockerfile(inputs: BuildInputs): Promise<string>;
}

async function findSource(text: string): Promise<BuildSource> {
  const room = await import('../build/index.ts');
  const { isFolderPath } = await import('../sources/index.ts');
  if (isFolderPath(text)) {
    const project = await room.inspectFolder(text, process.cwd());
    return {
      build: (options) => room.buildFolderImage(project, options),
      dockerfile: (inputs) => room.folderDockerfile(project, inputs),
    };
  }
  const reference = room.requirePackageReference(text);
  return {
    build: (options) => room.buildPackageImage(reference, options),
    dockerfile: (inputs) => room.generateDockerfile(reference, inputs),
  };
}

async function buildInputs({
  options,
  serverArguments,
  env,
  signal,
  openLog,
  findPaths,
}: Invocation<OptionsOf<typeof flags>>): Promise<BuildInputs> {
  const { createConfigStore } = await import('../config/index.ts');
  const [paths, logger] = await Promise.all([findPaths(), openLog()]);
  return {
    config: await createConfigStore(paths).read(),
    override: {
      builder_image: options.runtimeImage,
      additional_packages: [...options.runtimeAddPackage],
      build_with: [...options.buildWith],
    },
    caCertPath: options.caCert,
    entrypointArguments: serverArguments,
    env,
    home: paths.home,
    workingFolder: process.cwd(),
    async openSecrets() {
      const { openSecretsStore } = await import('../secrets/index.ts');
      return openSecretsStore({ paths, env, logger, signal });
    },
    logger,
    signal,
  };
}

async function writeDockerfile(
  text: string,
  source: BuildSource,
  inputs: BuildInputs,
  { options: { output }, terminal }: Invocation<OptionsOf<typeof flags>>,
): Promise<void> {
  const content = await within(`failed to generate Dockerfile for ${text}`, () => source.dockerfile(inputs));
  if (output === '') terminal.out(content);
  else await write(output, content);
}

async function write(path: string, content: string): Promise<void> {
  const { writeFile } = await import('node:fs/promises');
  try {
    // Not by way of a rename: people name /dev/stdout, and links.
    await writeFile(path, content, { mode: 0o600 });
  } catch (error) {
    const reason = `failed to write Dockerfile to ${path}: ${messageOf(error)}`;
    throw new ThvError('ERR_FILE_UNREADABLE', { path, reason }, { cause: error });
  }
}
