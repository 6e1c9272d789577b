import { isAbsolute } from 'node:path';
import { valid } from 'semver';
import { ThvError } from '../errors/index.ts';

const SCHEMES = ['uvx', 'npx', 'go'] as const;
export type Scheme = (typeof SCHEMES)[number];

/** What stands behind `uvx://`, `npx://` or `go://` (spec 03 §13.1), checked: each part is safe as a word of a shell command. */
export interface PackageReference {
  readonly scheme: Scheme;
  /** Everything as typed, scheme included. */
  readonly text: string;
  /** Behind the scheme, as typed. */
  readonly package: string;
  /** Without version and extras; of a local path the path. */
  readonly name: string;
  /** Python extras, without brackets. */
  readonly extras: readonly string[];
  /** Version, range, tag or branch; `latest` and nothing are both `undefined`. */
  readonly version: string | undefined;
  /** A folder or file of a Go project on this machine. */
  readonly isLocal: boolean;
}

type Parts = Pick<PackageReference, 'name' | 'extras' | 'version'>;

const LONGEST_PACKAGE = 512;
const VERSION = /^[A-Za-z0-9][A-Za-z0-9._+-]*$/;
/** A version, a tag, or a range of one part: `1.x`, `^1.2`, `~1.2.3`. */
const NPM_VERSION = /^[\^~]?[A-Za-z0-9*][A-Za-z0-9._+*-]*$/;
const NPM_NAME = /^(?:@[A-Za-z0-9][A-Za-z0-9._~-]*\/)?[A-Za-z0-9][A-Za-z0-9._~-]*$/;
/** PEP 508 names, extras and PEP 440 versions. */
const PYTHON_NAME = /^[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?$/;
const PYTHON_VERSION = /^[A-Za-z0-9][A-Za-z0-9._+!*-]*$/;
const PYTHON_PACKAGE = /^([^[\]@=]*)(?:\[([^[\]]*)\])?(?:(?:@|==)(.*))?$/s;
/** Import paths of the Go module reference, "Module paths and versions": no element begins with a dot or a hyphen. */
const GO_PATH = /^[A-Za-z0-9][A-Za-z0-9._~-]*(?:\/[A-Za-z0-9_~][A-Za-z0-9._~+-]*)*$/;

const READERS: Readonly<Record<Scheme, (text: string) => Parts>> = {
  npx: npmParts,
  uvx: pythonParts,
  go: goParts,
};

/** `undefined` when the text has none of the three schemes; throws `ERR_PACKAGE_INVALID` when what follows is no package of it. */
export function parsePackageReference(text: string): PackageReference | undefined {
  const scheme = SCHEMES.find((known) => text.startsWith(`${known}://`));
  if (scheme === undefined) return undefined;
  const name = text.slice(`${scheme}://`.length);
  const isLocal = scheme === 'go' && (isAbsolute(name) || /^\.(?:$|\.?\/)/.test(name));
  try {
    if (name.length > LONGEST_PACKAGE) throw new Problem(`it is longer than ${LONGEST_PACKAGE} characters`);
    const parts = isLocal ? localParts(name) : READERS[scheme](name);
    return { scheme, text, package: name, isLocal, ...parts };
  } catch (error) {
    if (error instanceof Problem) throw invalid(text, error.message);
    throw error;
  }
}

/** The package reference in `text`; throws `ERR_PACKAGE_INVALID` also when it has no known scheme (spec 03 §13.2). */
export function requirePackageReference(text: string): PackageReference {
  const reference = parsePackageReference(text);
  if (reference !== undefined) return reference;
  throw new ThvError('ERR_PACKAGE_INVALID', {
    package: text,
    reason: `invalid protocol scheme: ${text}. Supported schemes are: ${SCHEMES.map((scheme) => `${scheme}://`).join(', ')}`,
  });
}

/** True when the reference means the same code tomorrow: an exact version, or what is on this disk. */
export function isPinned({ scheme, version, isLocal }: PackageReference): boolean {
  if (isLocal) return true;
  if (version === undefined) return false;
  if (scheme === 'npx') return valid(version) !== null;
  if (scheme === 'go') return /^v\d+\.\d+\.\d+/.test(version) || /^[0-9a-f]{12,40}$/.test(version);
  return /^v?\d/.test(version) && !version.includes('*');
}

/** `toolhivelocal/<scheme>-<package>`, without tag (spec 03 §13.1). */
export function imageRepository({
  scheme,
  package: name,
}: {
  readonly scheme: Scheme | 'folder';
  readonly package: string;
}): string {
  const plain = name
    .replace(/^\.\//, '')
    .replace(/^\.\.\//, '')
    .toLowerCase()
    .replace(/[^a-z0-9_]/g, '-')
    // Engines take hyphens in a row, and up to two underscores, but no mixture.
    .replace(/[_-]*(?:_-|-_|___)[_-]*/g, '-')
    .slice(0, 200)
    .replace(/^[_-]+|[_-]+$/g, '');
  return `toolhivelocal/${scheme}-${plain === '' ? 'toolhive-container' : plain}`;
}

/** Internal: why a package was refused. */
class Problem extends Error {}

function npmParts(text: string): Parts {
  const at = text.lastIndexOf('@');
  const [name, version] = at > 0 ? [text.slice(0, at), text.slice(at + 1)] : [text, undefined];
  if (!NPM_NAME.test(name)) throw new Problem(`${quoted(name)} is not an npm package name`);
  return { name, extras: [], version: checkedVersion(version, NPM_VERSION) };
}

function pythonParts(text: string): Parts {
  const [, name = text, extras, version] = PYTHON_PACKAGE.exec(text) ?? [];
  if (!PYTHON_NAME.test(name)) throw new Problem(`${quoted(name)} is not a Python package name`);
  const names = extras?.split(',').map((extra) => extra.trim()) ?? [];
  for (const extra of names) {
    if (!PYTHON_NAME.test(extra)) throw new Problem(`${quoted(extra)} is not the name of an extra`);
  }
  return { name, extras: names, version: checkedVersion(version, PYTHON_VERSION) };
}

function goParts(text: string): Parts {
  const at = text.indexOf('@');
  const [name, version] = at === -1 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
  if (!GO_PATH.test(name)) throw new Problem(`${quoted(name)} is not a Go package path`);
  return { name, extras: [], version: checkedVersion(version, VERSION) };
}

/** Any path; what of it reaches the build is checked when the project is known (`local-project.ts`). */
function localParts(text: string): Parts {
  if (/[\u0000-\u001f\u007f]/.test(text)) throw new Problem('the path has control characters');
  return { name: text, extras: [], version: undefined };
}

function checkedVersion(version: string | undefined, pattern: RegExp): string | undefined {
  if (version === undefined || version === 'latest') return undefined;
  if (!pattern.test(version)) throw new Problem(`${quoted(version)} is not a version`);
  return version;
}

function quoted(text: string): string {
  return JSON.stringify(text);
}

function invalid(text: string, reason: string): ThvError {
  return new ThvError(
    'ERR_PACKAGE_INVALID',
    { package: text, reason: `invalid package ${quoted(text)}: ${reason}` },
    {
      hint: 'packages are given as npx://@scope/name@1.2.3, uvx://name[extra]@1.2.3, go://host/path@v1.2.3 or go://./path',
    },
  );
}
