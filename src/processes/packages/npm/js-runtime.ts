import { ThvError } from '../../../errors/index.ts';
import { RUNTIME } from '../../filesystem-view.ts';
import type { InstallOptions, JsRuntime } from '../types.ts';
import { type FoundNode, findNode } from './find-node.ts';

/** What a package says of the runtime that it wants. */
export interface RuntimeNeeds {
  readonly name: string;
  /** `engines` of its manifest. */
  readonly engines?: { readonly node?: string | undefined; readonly bun?: string | undefined } | undefined;
  /** Its program is TypeScript, or names Bun as its interpreter. */
  readonly isForBun?: boolean;
}

type ChoiceOptions = Pick<InstallOptions, 'env' | 'jsRuntime' | 'behindProxy'>;

/** Older ones have lost the support of their makers. */
const LEAST = '>=20.0.0';
/** Those that reach others through the proxy that their environment names (`NODE_USE_ENV_PROXY`). */
const USES_PROXY = '^22.21.0 || >=24.5.0';

/**
 * Node where one of this machine fits, because authors of packages test with it; else our own runtime. Throws
 * `ERR_PACKAGE_INSTALL` when Node is asked for and there is none.
 */
export async function chooseJsRuntime(needs: RuntimeNeeds, options: ChoiceOptions): Promise<JsRuntime> {
  const { env, jsRuntime: wanted = 'auto' } = options;
  const fits = (version: string) => satisfies(version, needs.engines?.node);
  if (wanted === 'node') return await requireNode(needs, options, fits);
  if (wanted === 'bun') return bun('it was asked for', 'use --js-runtime node');
  if (needs.isForBun || (needs.engines?.bun !== undefined && needs.engines.node === undefined))
    return bun('the package is made for Bun', undefined);
  const isNew = (version: string) => satisfies(version, LEAST) && fits(version);
  const canReach = (version: string) => !options.behindProxy || satisfies(version, USES_PROXY);
  const node = await findNode(env, (version) => isNew(version) && canReach(version));
  if (node !== undefined) return nodeRuntime(node, 'it is on this machine and fits the package', undefined);
  const asked = needs.engines?.node === undefined ? '20 or newer' : `${needs.engines.node}, at least 20`;
  const unfit = await findNode(env, isNew);
  return unfit === undefined
    ? bun(`no Node.js ${asked} was found`, `install Node.js (${asked})`)
    : bun(
        `Node.js ${unfit.version} does not use the proxy that the permission profile's network needs; 22.21 and 24.5 do`,
        'install Node.js 24.5 or newer, or use --js-runtime node',
      );
}

async function requireNode(
  needs: RuntimeNeeds,
  { env }: ChoiceOptions,
  fits: (version: string) => boolean,
): Promise<JsRuntime> {
  const fitting = await findNode(env, fits);
  if (fitting !== undefined) return nodeRuntime(fitting, 'it was asked for', undefined);
  const any = await findNode(env, () => true);
  if (any !== undefined) {
    const range = needs.engines?.node ?? '';
    const mismatch = `the package asks for Node.js ${range}, and this machine has ${any.version}`;
    return nodeRuntime(
      any,
      `it was asked for, though ${mismatch}`,
      `${mismatch}: install one that fits, or use --js-runtime bun`,
    );
  }
  throw new ThvError(
    'ERR_PACKAGE_INSTALL',
    {
      package: needs.name,
      reason:
        'Node.js was asked for and not found, neither on the PATH nor in the folders of nvm, fnm, Volta, asdf, mise, n, nodenv and Homebrew',
    },
    { hint: 'install Node.js (https://nodejs.org), or use --js-runtime bun' },
  );
}

function nodeRuntime(
  { program, version, paths }: FoundNode,
  reason: string,
  wayOut: string | undefined,
): JsRuntime {
  return { name: 'node', version, program, paths, reason, wayOut };
}

function bun(reason: string, remedy: string | undefined): JsRuntime {
  const wayOut =
    remedy === undefined
      ? undefined
      : `it ran under the built-in Bun, which not every package does: ${remedy} to run it under Node.js`;
  return { name: 'bun', version: Bun.version, program: RUNTIME, paths: [], reason, wayOut };
}

/** A range that says nothing of versions, such as `lts/*`, fits all. */
function satisfies(version: string, range: string | undefined): boolean {
  return range === undefined || !/\d/.test(range) || Bun.semver.satisfies(version, range);
}

/** The words before a script that run it. */
export function interpreterOf({ name, program }: JsRuntime): readonly string[] {
  return name === 'node' ? [program] : [program, '--no-install', '--no-env-file'];
}

/** Environment of a package that is run by it. */
export function environmentFor({ name }: JsRuntime): Readonly<Record<string, string>> {
  // Our executable is seen as `bun` under either.
  return { BUN_BE_BUN: '1', NODE_ENV: 'production', ...(name === 'node' ? { NODE_USE_ENV_PROXY: '1' } : {}) };
}

/** Whether a choice that was made before would be made again: what scripts have built is good for one of them only. */
export function buildLabel({ name, version }: JsRuntime): string {
  return name === 'bun' ? name : `${name} ${version.split('.')[0]}`;
}
