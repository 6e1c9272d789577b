import { posix } from 'node:path';
import { parse as parseVersion } from 'semver';
import * as v from 'valibot';
import type { NodeInstaller, NodeProject } from './types.ts';

/** What decides about a Node project; a wrong type of one key must not hide the others. */
const Texts = v.fallback(v.optional(v.record(v.string(), v.unknown())), undefined);
const Text = v.fallback(v.optional(v.string()), undefined);
const PackageSchema = v.object({
  name: Text,
  bin: v.fallback(v.optional(v.union([v.string(), v.record(v.string(), v.string())])), undefined),
  main: Text,
  scripts: v.fallback(v.optional(v.record(v.string(), v.string())), undefined),
  packageManager: Text,
  workspaces: v.optional(v.unknown()),
  dependencies: Texts,
  devDependencies: Texts,
  optionalDependencies: Texts,
});
type Package = v.InferOutput<typeof PackageSchema>;

type NodeFacts = Omit<NodeProject, 'folder' | 'name'> & { readonly name: string | undefined };

/** A file of the folder, or `undefined`. */
export type ReadText = (name: string) => Promise<string | undefined>;

/** Scripts of a package that run when it is installed in its own folder (npm documentation, "scripts"). */
const INSTALL_SCRIPTS = [
  'preinstall',
  'install',
  'postinstall',
  'prepublish',
  'preprepare',
  'prepare',
  'postprepare',
];
/** Names that npm and Node try when the package names nothing. */
const USUAL_FILES = ['server.js', 'index.js'];

/**
 * The server that a folder with a `package.json` is, or the reason why it is none. What is run is, in this order, its program
 * (`bin`, chosen as `npx` chooses), its `start` script, its `main` file, or a file of a usual name.
 */
export async function readNodeProject(
  files: ReadonlySet<string>,
  readText: ReadText,
): Promise<NodeFacts | { readonly problem: string }> {
  const decoded = decode((await readText('package.json')) ?? '');
  if (decoded === undefined) return { problem: 'package.json is not a JSON object' };
  const found = findCommand(decoded, files);
  if ('problem' in found) return found;
  const installer = await findInstaller(decoded, files, readText);
  const scripts = decoded.scripts ?? {};
  const hasBuild = scripts['build'] !== undefined;
  const hasInstallScripts = INSTALL_SCRIPTS.some((name) => scripts[name] !== undefined);
  return {
    kind: 'node',
    name: decoded.name?.replace(/^@[^/]*\//, ''),
    installer,
    command: found.command,
    hasBuild,
    needsDevelopment: hasBuild || hasInstallScripts,
    installsAlone:
      installer.tool === 'npm' &&
      installer.lockFile !== undefined &&
      !hasInstallScripts &&
      decoded.workspaces === undefined &&
      // Left out of the context or not is for the ignore file to say.
      !files.has('.npmrc') &&
      !hasLocalDependencies(decoded),
  };
}

function decode(text: string): Package | undefined {
  try {
    const checked = v.safeParse(PackageSchema, JSON.parse(text));
    return checked.success ? checked.output : undefined;
  } catch {
    return undefined; // not JSON, said by the caller
  }
}

function findCommand(
  { name, bin, scripts, main }: Package,
  files: ReadonlySet<string>,
): { readonly command: readonly string[] } | { readonly problem: string } {
  const start = scripts?.['start'];
  if (bin !== undefined && bin !== '') {
    const file = typeof bin === 'string' ? bin : programOf(bin, name);
    if (file !== undefined) return fileCommand('bin', file);
    if (start === undefined && Object.keys(bin).length > 0) {
      const programs = Object.keys(bin).join(', ');
      return {
        problem: `package.json has several programs (${programs}) and neither one named like the package nor a start script`,
      };
    }
  }
  if (start !== undefined) return { command: startCommand(scripts ?? {}, start) };
  const file = main || USUAL_FILES.find((usual) => files.has(usual));
  if (file !== undefined) return fileCommand('main', file);
  return { problem: 'package.json has no bin, no start script and no main' };
}

/** As `npx` does it: the only one, several names of one file counting once, else the one called like the package. */
function programOf(programs: Readonly<Record<string, string>>, name: string | undefined): string | undefined {
  const [first, ...others] = new Set(Object.values(programs));
  if (others.length === 0) return first;
  const called = name?.replace(/^@[^/]*\//, '') ?? '';
  return Object.hasOwn(programs, called) ? programs[called] : undefined;
}

/** With its whole path, so that no file is taken for an option. */
function fileCommand(
  key: 'bin' | 'main',
  file: string,
): { readonly command: readonly string[] } | { readonly problem: string } {
  const path = posix.normalize(file);
  if (posix.isAbsolute(path) || path === '..' || path.startsWith('../') || /[\0-\x1f\x7f]/.test(path))
    return { problem: `${key} of package.json is no file of the folder: ${JSON.stringify(file)}` };
  return { command: ['node', posix.join('/app', path)] };
}

/** A plain call of node is run as such: a second process that only waits costs as much memory as a small server. */
function startCommand(scripts: Readonly<Record<string, string>>, start: string): readonly string[] {
  const hasHooks = scripts['prestart'] !== undefined || scripts['poststart'] !== undefined;
  const words = start.trim().split(/\s+/);
  const isPlain =
    words[0] === 'node' && words.length > 1 && words.every((word) => /^[\w@./:=+-]+$/.test(word));
  // What npm prints about the script would stand in the stream of protocol messages.
  return isPlain && !hasHooks ? words : ['npm', '--silent', 'start', '--'];
}

const LOCK_FILES: readonly (readonly [string, NodeInstaller['tool']])[] = [
  ['npm-shrinkwrap.json', 'npm'],
  ['package-lock.json', 'npm'],
  ['pnpm-lock.yaml', 'pnpm'],
  ['yarn.lock', 'yarn'],
  ['bun.lock', 'bun'],
  ['bun.lockb', 'bun'],
];

/** `packageManager` decides (Node documentation, "Corepack"), else the lock file that is there. */
async function findInstaller(
  { packageManager }: Package,
  files: ReadonlySet<string>,
  readText: ReadText,
): Promise<NodeInstaller> {
  const [, named, version] = /^(npm|pnpm|yarn|bun)@([^+]+)/.exec(packageManager ?? '') ?? [];
  const locks = LOCK_FILES.filter(([file]) => files.has(file));
  const [lockFile, tool] = locks.find(([, of]) => named === undefined || of === named) ?? [
    undefined,
    (named ?? 'npm') as NodeInstaller['tool'], // one of the names of the expression above
  ];
  const pinned = parseVersion(version)?.version;
  if (tool === 'npm') return { tool, packageSpec: undefined, lockFile };
  if (tool === 'bun') return { tool, packageSpec: `bun@${pinned ?? 'latest'}`, lockFile };
  const lock = lockFile === undefined ? '' : ((await readText(lockFile)) ?? '');
  if (tool === 'pnpm') return { tool, packageSpec: `pnpm@${pinned ?? pnpmFor(lock)}`, lockFile };
  // Classic is version 1; the later ones are another program in a package of another name.
  const isClassic = pinned === undefined ? !lock.includes('__metadata:') : pinned.startsWith('1.');
  return isClassic
    ? { tool: 'yarn-classic', packageSpec: `yarn@${pinned ?? '1'}`, lockFile }
    : { tool: 'yarn', packageSpec: `@yarnpkg/cli-dist@${pinned ?? '4'}`, lockFile };
}

/** The last version that writes a lock file of this version, which it therefore takes as it is. */
function pnpmFor(lock: string): string {
  const version = Number.parseFloat(/^lockfileVersion:\s*'?([\d.]+)/m.exec(lock)?.[1] ?? '9');
  if (version < 6) return '7';
  return version < 7 ? '8' : '10';
}

/** Dependencies whose sources are in the folder itself. */
function hasLocalDependencies(of: Package): boolean {
  return [of.dependencies, of.devDependencies, of.optionalDependencies]
    .flatMap((group) => Object.values(group ?? {}))
    .some(
      (version) =>
        typeof version !== 'string' ||
        /^(?:file|link|portal|workspace|patch):|^(?:\.{1,2}|~|)\//.test(version),
    );
}
