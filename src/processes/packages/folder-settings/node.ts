import { withoutByteOrderMark } from '../../../platform/index.ts';
import type { FolderRegistries } from '../user-settings/npm.ts';
import { hostsOf, isTrustworthy, type LeftOut, settingName } from './setting.ts';

interface NodeSettings {
  readonly registries: FolderRegistries;
  readonly leftOut: readonly LeftOut[];
}

/** Files of the npm world's tools that are not copied: this program has read what it takes of them. */
export const NODE_SETTINGS: ReadonlySet<string> = new Set(
  '.npmrc .yarnrc .yarnrc.yml .pnpmfile.cjs .pnpmfile.mjs .pnp.cjs .netrc pip.conf'.split(' '),
);
/** They would tell the installer something too, but are the server's own as well: copied when everything is installed. */
export function isForServerAlone(name: string): boolean {
  return /^\.env(?:\..*)?$/.test(name) || name === 'bunfig.toml' || name === '.bunfig.toml';
}

const REGISTRY = /^(?:@[\w.~-]+:)?registry$/;
/** Settings without effect here: they concern other tools, the lock file, or messages. */
const HARMLESS =
  /^(?:save(?:-[\w-]+)?|fund|audit(?:-level)?|progress|loglevel|color|engine-strict|legacy-peer-deps|strict-peer-(?:deps|dependencies)|auto-install-peers|package-lock|lockfile|prefer-(?:offline|online|dedupe)|update-notifier|provenance|access|tag(?:-version-prefix)?|init-[\w-]+|message|git-tag-version|sign-git-tag|hoist(?:-pattern)?|public-hoist-pattern(?:\[\])?|shamefully-hoist|node-linker|resolution-mode|link-workspace-packages|shared-workspace-lockfile|prefer-workspace-packages|use-node-version|node-version|omit|include|production|yes|ignore-scripts|min(?:imum)?-release-age|omit-lockfile-registry-resolved)$/;
/** What names a program to run. */
const RUNS = /scanner|security|yarn-?path|plugins|script|shell|node-options|pnpmfile|hooks?$/i;
const INSTEAD_NPM = '.npmrc in your home folder';

/** What of the `.npmrc` and its like of a folder is taken: registries, unless they lead to a private network. */
export function nodeSettings(
  files: Readonly<Record<string, string | undefined>>,
  userRegistries: readonly string[],
): NodeSettings {
  const hosts = hostsOf(userRegistries);
  const lines: string[] = [];
  const urls: string[] = [];
  const leftOut: LeftOut[] = [];
  for (const { line, key, value } of npmrcLines(files['.npmrc'] ?? '')) {
    if (HARMLESS.test(key)) continue;
    if (REGISTRY.test(key) && isTrustworthy(value, hosts)) {
      lines.push(`${key}=${value}`);
      if (!hosts.has(new URL(value).host)) urls.push(value);
    } else {
      const instead = RUNS.test(key) ? undefined : INSTEAD_NPM;
      leftOut.push({ file: '.npmrc', line, setting: settingName(key), instead });
    }
  }
  for (const [file, pattern] of OTHER_FILES)
    for (const [index, text] of (files[file] ?? '').split('\n').entries()) {
      const [, first, second] = pattern.exec(text) ?? [];
      const setting = first ?? second;
      if (setting !== undefined)
        leftOut.push({
          file,
          line: index + 1,
          setting: settingName(setting),
          instead: RUNS.test(setting) ? undefined : INSTEAD_NPM,
        });
    }
  return { registries: { lines, urls }, leftOut };
}

function npmrcLines(
  text: string,
): readonly { readonly line: number; readonly key: string; readonly value: string }[] {
  return withoutByteOrderMark(text)
    .split(/\r?\n/)
    .flatMap((line, index) => {
      const [, key, value = ''] = /^\s*([^#;=\s][^=]*?)\s*(?:=\s*(.*?)\s*)?$/.exec(line) ?? [];
      if (key === undefined) return [];
      return [{ line: index + 1, key, value: value.replace(/^(["'])(.*)\1$/, '$2') }];
    });
}

/** Settings of these files that decide where packages come from. None is used, because they are meant for other tools. */
const OTHER_FILES: readonly (readonly [string, RegExp])[] = [
  ['.yarnrc', /^\s*"?((?:@[^:\s"]+:)?registry|yarn-path|(?:https?-)?proxy|cafile|ca|_authToken)"?\s/],
  [
    '.yarnrc.yml',
    /^\s*(npm(?:Registr\w+|Auth\w+|Scopes|AlwaysAuth)|httpsCa\w+|https?Proxy|yarnPath|plugins)\s*:/,
  ],
  [
    'bunfig.toml',
    /^\s*(registry|scopes|scanner|cafile|ca)\s*=|^\s*\[(install\.(?:scopes|registry|security))\]/,
  ],
];
