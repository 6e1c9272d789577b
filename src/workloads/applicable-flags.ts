import { isDeepStrictEqual } from 'node:util';
import { ThvError } from '../errors/index.ts';
import { kindOf, type RunConfig, type Transport } from '../records/index.ts';
import { type Asked, IMAGES, OWN, PROCESSES, REMOTE, RULES, type Rule, type Target } from './flag-rules.ts';

/** Anything but a remote server, as long as it is not known what runs it. */
export const ANY_OWN: readonly Target[] = OWN;

/** Throws `ERR_INPUT_INVALID` naming all flags that apply to none of these, the ones that the server may turn out to be. */
export function requireApplicable(asked: Asked, candidates: readonly Target[], present?: RunConfig): void {
  const foreign = foreignTo(candidates, ({ isGiven }) => isGiven(asked, present));
  const [target] = candidates;
  if (foreign.length === 0 || target === undefined) return;
  throw new ThvError(
    'ERR_INPUT_INVALID',
    {
      reason: `${doNotApply(foreign.map(({ flag }) => flag))} to ${nounOf(target, candidates, foreign)}`,
    },
    { hint: hintFor(foreign, candidates) },
  );
}

/**
 * Flags that mean nothing beside others, or for the transport that the server turned out to have. Throws `ERR_INPUT_INVALID`
 * naming those of the first kind.
 */
export function requireFitting(asked: Asked, transport: Transport, present?: RunConfig): void {
  const given = (need: Rule['needs']) =>
    RULES.filter(({ needs, isGiven }) => needs === need && isGiven(asked, present)).map(({ flag }) => flag);
  const refuse = (flags: readonly string[], what: string, hint: string) => {
    if (flags.length === 0) return;
    throw new ThvError('ERR_INPUT_INVALID', { reason: `${doNotApply(flags)} to ${what}` }, { hint });
  };
  if (asked.server.noSandbox) {
    const flags = given('sandbox');
    refuse(flags, 'processes without a sandbox', `leave out ${flags.join(' and ')}, or --no-sandbox`);
  }
  if (transport === 'stdio') {
    const flags = given('port');
    refuse(flags, 'servers of transport stdio, which have no port', `leave out ${flags.join(' and ')}`);
  }
  const isOtherMode = transport === 'sse' && asked.proxy.mode === 'streamable-http';
  if (isOtherMode && asked.proxy.mode !== present?.proxy_mode)
    refuse(
      ['--proxy-mode'],
      'servers of transport sse, which are proxied as they are',
      'leave out --proxy-mode (proxy_mode)',
    );
}

/** The same for a document made elsewhere. Throws `ERR_RUN_CONFIG_INVALID` naming all keys. */
export function requireApplicableKeys(config: RunConfig): void {
  const candidates = candidatesOf(config);
  const [target] = candidates;
  const isIn = (rule: Rule) => rule.isIn?.(config) === true;
  const foreign = foreignTo(candidates, isIn);
  if (foreign.length > 0 && target !== undefined)
    throw keysRefused(foreign.map(keyOf), nounOf(target, candidates, foreign));
  const unconfined = RULES.filter((rule) => rule.needs === 'sandbox' && isIn(rule)).map(keyOf);
  if (config.no_sandbox && unconfined.length > 0)
    throw keysRefused(unconfined, 'processes without a sandbox (no_sandbox)');
  if (config.transport === 'stdio' && config.target_port !== 0)
    throw keysRefused(['target_port'], 'servers of transport stdio, which have no port');
}

function keysRefused(keys: readonly string[], what: string): ThvError {
  return new ThvError(
    'ERR_RUN_CONFIG_INVALID',
    { reason: `${doNotApply(keys)} to ${what}` },
    { hint: `remove ${keys.join(' and ')} from the file` },
  );
}

function keyOf({ key, flag }: Rule): string {
  return key ?? flag;
}

/** What the server of a document may be: nothing in it says how its image was made, or what is in a folder. */
function candidatesOf(config: RunConfig): readonly Target[] {
  const { kind } = kindOf(config);
  if (kind === 'remote') return REMOTE;
  if (kind === 'container') return ['built image', 'image'];
  const scheme = schemeOf(config.image);
  return scheme === undefined ? ['folder process', 'node folder process'] : [`${scheme} process`];
}

/** The scheme of a package. */
export function schemeOf(source: string): 'npx' | 'uvx' | 'go' | undefined {
  const [, scheme] = /^(npx|uvx|go):/.exec(source) ?? [];
  return scheme as 'npx' | 'uvx' | 'go' | undefined;
}

function foreignTo(candidates: readonly Target[], isAsked: (rule: Rule) => boolean): readonly Rule[] {
  return RULES.filter((rule) => !candidates.some((target) => rule.targets.includes(target)) && isAsked(rule));
}

function doNotApply(names: readonly string[]): string {
  return `${names.join(', ')} ${names.length === 1 ? 'does' : 'do'} not apply`;
}

function nounOf(target: Target, candidates: readonly Target[], foreign: readonly Rule[]): string {
  if (REMOTE.includes(target)) return 'remote servers, for which nothing is run here';
  if (isDeepStrictEqual(candidates, ANY_OWN)) return 'servers that are run here';
  const appliesToNone = foreign.every(({ targets }) => !targets.some((each) => PROCESSES.includes(each)));
  if (appliesToNone && PROCESSES.includes(target)) return 'processes';
  switch (target) {
    case 'image':
      return 'containers of an image that is not built here';
    case 'built image':
      return 'containers';
    case 'uvx process':
      return 'processes of uvx:// packages';
    case 'go process':
      return 'processes of go:// packages';
    case 'folder process':
    case 'node folder process':
      return 'processes of local folders';
    default:
      return 'processes of npx:// packages';
  }
}

function hintFor(foreign: readonly Rule[], candidates: readonly Target[]): string {
  const isContainer = candidates.every((target) => IMAGES.includes(target));
  if (isContainer && candidates[0] === 'built image')
    return 'add --runtime process to run the package as a process';
  const names = foreign.map(({ flag, field }) =>
    field === undefined || field === flag ? flag : `${flag} (${field})`,
  );
  // Elsewhere `--build-with` is for uvx:// packages only as well.
  const isForBuilds = foreign.every(
    ({ flag, targets }) => targets.includes('built image') && flag !== '--build-with',
  );
  const otherwise =
    isForBuilds && candidates.every((target) => PROCESSES.includes(target))
      ? ', or add --runtime docker to run it in a container'
      : '';
  return `leave out ${names.join(' and ')}${otherwise}`;
}
