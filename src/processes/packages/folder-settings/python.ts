import { withoutByteOrderMark } from '../../../platform/index.ts';
import { asObject } from '../lock-files/package-json.ts';
import { asList } from '../lock-files/python-source.ts';
import { lineOf, refusal } from '../lock-files/refuse.ts';
import type { FolderIndexes } from '../user-settings/python.ts';
import { hostsOf, isTrustworthy, type LeftOut, settingName } from './setting.ts';

interface PythonFolderSettings {
  readonly indexes: FolderIndexes;
  readonly leftOut: readonly LeftOut[];
}

/** Files of Python's tools that are not copied. `pyproject.toml` is copied, because it describes the project; uv is told to read no settings in it. */
export const PYTHON_SETTINGS: ReadonlySet<string> = new Set(
  'uv.toml pip.conf pip.ini .python-version .python-versions .netrc .npmrc pyvenv.cfg .pypirc'.split(' '),
);

const INSTEAD = 'uv.toml in your configuration folder (~/.config/uv), or a variable UV_…';
/** How versions are chosen is the folder's business; uv has a variable for each. */
const CHOICES: Readonly<Record<string, string>> = {
  prerelease: 'UV_PRERELEASE',
  resolution: 'UV_RESOLUTION',
  'index-strategy': 'UV_INDEX_STRATEGY',
  'fork-strategy': 'UV_FORK_STRATEGY',
  'exclude-newer': 'UV_EXCLUDE_NEWER',
};
/** Read by uv as part of the project, and judged as places that packages come from; or of no consequence here. */
const HARMLESS = new Set(
  `sources workspace dev-dependencies override-dependencies constraint-dependencies build-constraint-dependencies
  extra-build-dependencies dependency-groups default-groups environments required-environments required-version conflicts package
  managed dependency-metadata build-backend link-mode compile-bytecode upgrade upgrade-package reinstall reinstall-package
  preview preview-features no-progress concurrent-downloads concurrent-builds concurrent-installs cache-keys add-bounds
  publish-url check-url no-binary no-binary-package trusted-publishing index index-url extra-index-url`.split(
    /\s+/,
  ),
);

interface Index {
  readonly name: string | undefined;
  readonly url: string;
  readonly isMain: boolean;
  readonly isExplicit: boolean;
}

/**
 * What of `uv.toml` and `[tool.uv]` is taken: indexes that do not lead to a private network, and how versions are chosen. Throws
 * `ERR_FOLDER_UNUSABLE` for an index that packages are pinned to and that is not taken.
 */
export function pythonFolderSettings(
  folder: string,
  files: Readonly<Record<string, string | undefined>>,
  userHosts: readonly string[],
): PythonFolderSettings {
  const hosts = new Set(userHosts);
  const leftOut: LeftOut[] = [];
  const taken: Index[] = [];
  const env: Record<string, string> = {};
  for (const file of ['pyproject.toml', 'uv.toml']) {
    const text = files[file] ?? '';
    const parsed = asObject(Bun.TOML.parse(text));
    const settings = file === 'uv.toml' ? parsed : asObject(asObject(parsed['tool'])['uv']);
    const leave = (setting: string, needle = setting) =>
      leftOut.push({ file, line: lineOf(text, needle), setting: settingName(setting), instead: INSTEAD });
    for (const [key, value] of Object.entries({ ...settings, ...prefixed(settings['pip']) })) {
      const variable = CHOICES[key];
      if (variable !== undefined && /^[\w:.+-]+$/.test(String(value))) env[variable] = String(value);
      else if (!HARMLESS.has(key) && key !== 'pip') leave(key, key.replace(/^pip\./, ''));
    }
    for (const index of indexesOf(settings)) {
      if (isTrustworthy(index.url, hosts)) taken.push(index);
      else if (index.isExplicit) {
        const reason = `packages are pinned to the index ${withoutLogin(index.url)}, which is neither public over https nor named in your own configuration`;
        throw refusal(folder, { path: file, text }, reason, index.url);
      } else leave('index', index.url);
    }
  }
  for (const file of ['pip.conf', 'pip.ini'])
    for (const [index, line] of (files[file] ?? '').split('\n').entries()) {
      const setting =
        /^\s*((?:extra-)?index-url|find-links|trusted-host|cert|client-cert|proxy)\s*[=:]/i.exec(line)?.[1];
      if (setting !== undefined) leftOut.push({ file, line: index + 1, setting, instead: INSTEAD });
    }
  return { indexes: { ...indexesFrom(taken, hosts), env }, leftOut };
}

function indexesFrom(taken: readonly Index[], hosts: ReadonlySet<string>): Omit<FolderIndexes, 'env'> {
  const isOfUser = ({ url }: Index) => hosts.has(new URL(url).host);
  return {
    main: taken.find(({ isMain }) => isMain)?.url,
    extra: taken
      .filter(({ isMain, isExplicit }) => !isMain && !isExplicit)
      .map(({ name, url }) => (name === undefined ? url : `${name}=${url}`)),
    urls: taken.filter((index) => !isOfUser(index)).map(({ url }) => url),
    names: taken.filter((index) => !isOfUser(index)).flatMap(({ name }) => name ?? []),
  };
}

function indexesOf(settings: Readonly<Record<string, unknown>>): readonly Index[] {
  const pip = asObject(settings['pip']);
  const main = settings['index-url'] ?? pip['index-url'];
  const plain = { name: undefined, isExplicit: false };
  return [
    ...asList(settings['index'])
      .map(asObject)
      .map(({ name, url, default: isMain, explicit }) => ({
        name: typeof name === 'string' && /^[\w.-]+$/.test(name) ? name : undefined,
        url: String(url),
        isMain: isMain === true,
        isExplicit: explicit === true,
      })),
    ...(main === undefined ? [] : [{ ...plain, url: String(main), isMain: true }]),
    ...asList(settings['extra-index-url'] ?? pip['extra-index-url']).map((url) => ({
      ...plain,
      url: String(url),
      isMain: false,
    })),
  ];
}

function prefixed(pip: unknown): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(asObject(pip)).flatMap(([key, value]) =>
      HARMLESS.has(key) ? [] : [[`pip.${key}`, value]],
    ),
  );
}

function withoutLogin(url: string): string {
  return url.replace(/\/\/[^/@]*@/, '//');
}

const VERSION =
  /^(?:(?:cpython|python|pypy|graalpy)[-@]?)?\d{1,2}(?:\.\d{1,3}){0,2}(?:(?:a|b|rc)\d{1,3})?t?$/;

/**
 * The version in a `.python-version`, `undefined` where there is none. Throws `ERR_FOLDER_UNUSABLE` for anything else: uv would take a
 * path there for a program to run.
 */
export function pythonVersion(folder: string, path: string, text: string | undefined): string | undefined {
  const lines = withoutByteOrderMark(text ?? '')
    .split(/\r?\n/)
    .map((line) => line.trim());
  const wanted = lines.filter((line) => line !== '' && !line.startsWith('#'));
  for (const line of wanted) {
    if (VERSION.test(line)) continue;
    throw refusal(
      folder,
      { path, text: text ?? '' },
      `${JSON.stringify(line)} is not a version of Python, such as 3.13`,
      line,
    );
  }
  return wanted[0];
}

/** The hosts whose archives a lock file may name: those of indexes, and what PyPI's files come from. */
export function indexHosts(urls: readonly string[]): ReadonlySet<string> {
  const hosts = hostsOf(urls);
  return hosts.has('pypi.org') ? new Set([...hosts, 'files.pythonhosted.org']) : hosts;
}
