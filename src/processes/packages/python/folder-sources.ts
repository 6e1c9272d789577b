import { posix } from 'node:path';
import type { ContextEntry } from '../../../build/index.ts';
import { indexHosts, pythonFolderSettings, pythonVersion } from '../folder-settings/python.ts';
import { isTrustworthy, warnOf } from '../folder-settings/setting.ts';
import { asObject } from '../lock-files/package-json.ts';
import {
  judgePythonSource,
  localProjects,
  pyprojectSources,
  uvLockIndexes,
  uvLockSources,
} from '../lock-files/python-source.ts';
import { refuseSources, type SourceFile, understood } from '../lock-files/refuse.ts';
import { readText } from '../npm/program.ts';
import type { InstallOptions } from '../types.ts';
import { type PythonSettings, pythonSettings } from '../user-settings/python.ts';

interface PythonSources {
  readonly settings: PythonSettings;
  /** From `.python-version`. */
  readonly version: string | undefined;
  /** `requires-python`. */
  readonly required: string | undefined;
}

const PROJECT = 'pyproject.toml';
const PUBLIC_INDEX = 'https://pypi.org/simple';
const FILES = [PROJECT, 'uv.toml', 'uv.lock', 'pip.conf', 'pip.ini', '.python-version', '.python-versions'];

/**
 * Looks at all that says where the packages of a Python project come from, and with which Python they are installed; tells the user
 * of settings that are not taken. Throws `ERR_FOLDER_UNUSABLE` with file and line.
 */
export async function checkPythonSources(
  folder: string,
  entries: readonly ContextEntry[],
  options: InstallOptions,
): Promise<PythonSources> {
  const files: Record<string, string> = Object.fromEntries(
    entries.flatMap((entry) =>
      entry.kind === 'file' && FILES.includes(entry.path) ? [[entry.path, readText(entry.source)]] : [],
    ),
  );
  const file = (path: string): SourceFile => ({ path, text: files[path] ?? '' });
  const version = ['.python-version', '.python-versions']
    .map((path) => pythonVersion(folder, path, files[path]))
    .find((each) => each !== undefined);
  const user = await pythonSettings(options);
  for (const path of ['pyproject.toml', 'uv.toml', 'uv.lock'])
    understood(folder, file(path), () => Bun.TOML.parse(files[path] ?? ''));
  const { indexes, leftOut } = pythonFolderSettings(folder, files, user.hosts);
  warnOf(leftOut, folder, options.logger);
  const named = uvLockIndexes(files['uv.lock'] ?? '').filter((url) =>
    isTrustworthy(url, new Set(user.hosts)),
  );
  const urls = [...new Set([...indexes.urls, ...named.map((url) => new URL(url).origin)])];
  const settings = await pythonSettings(options, { ...indexes, urls });
  const hosts = new Set([...indexHosts([...urls, ...(user.usesPyPi ? [PUBLIC_INDEX] : [])]), ...user.hosts]);
  for (const { path, text, base } of projectsIn(entries, files)) {
    const sources = understood(folder, { path, text }, () => [...pyprojectSources(text, base)]);
    refuseSources(folder, { path, text }, sources, (source) => judgePythonSource(source, hosts));
  }
  refuseSources(folder, file('uv.lock'), [...uvLockSources(file('uv.lock').text)], (source) =>
    judgePythonSource(source, hosts),
  );
  const required = asObject(asObject(Bun.TOML.parse(files['pyproject.toml'] ?? ''))['project'])[
    'requires-python'
  ];
  return { settings, version, required: versionRange(required) };
}

/** The project itself, and those of the folder that it takes packages from. */
function projectsIn(
  entries: readonly ContextEntry[],
  files: Readonly<Record<string, string>>,
): readonly (SourceFile & { readonly base: string })[] {
  const sources = new Map(
    entries.flatMap((entry) =>
      entry.kind === 'file' && posix.basename(entry.path) === PROJECT
        ? [[posix.dirname(entry.path), entry.source] as const]
        : [],
    ),
  );
  const found = new Map<string, SourceFile & { readonly base: string }>();
  const left = ['.'];
  for (let folder = left.pop(); folder !== undefined; folder = left.pop()) {
    const source = sources.get(folder);
    if (source === undefined || found.has(folder)) continue;
    const text = folder === '.' ? (files[PROJECT] ?? '') : readText(source);
    found.set(folder, { path: posix.join(folder, PROJECT), text, base: folder === '.' ? '' : folder });
    const patterns = localProjects(text).map((pattern) => new Bun.Glob(posix.join(folder ?? '', pattern)));
    left.push(...[...sources.keys()].filter((each) => patterns.some((pattern) => pattern.match(each))));
  }
  return [...found.values()];
}

function versionRange(required: unknown): string | undefined {
  const text = typeof required === 'string' ? required.replaceAll(' ', '') : '';
  return /^[\d.,<>=!~*]+$/.test(text) ? text : undefined;
}
