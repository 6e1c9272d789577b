import { ThvError } from '../../../errors/index.ts';

/** What one installation may come to. */
export interface InstallLimits {
  /** Size of what is unpacked or built in one place: a package with all its dependencies, or the copy of a folder. */
  readonly sizeBytes: number;
  readonly files: number;
}

const SIZE_VARIABLE = 'TOOLHIVE_INSTALL_MAX_SIZE';
const FILES_VARIABLE = 'TOOLHIVE_INSTALL_MAX_FILES';
const DEFAULT_SIZE = '2g';
const DEFAULT_FILES = '250000';
const UNITS: Readonly<Record<string, number>> = { '': 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3, t: 1024 ** 4 };

/** The limits in force. Throws `ERR_INPUT_INVALID` for a variable that is no size or number. */
export function installLimits(env: Readonly<Record<string, string | undefined>>): InstallLimits {
  const [, digits, unit = ''] =
    /^(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?$/i.exec(textOf(env, SIZE_VARIABLE, DEFAULT_SIZE)) ?? [];
  const files = /^\d+$/.exec(textOf(env, FILES_VARIABLE, DEFAULT_FILES))?.[0];
  if (digits === undefined) throw invalid(env, SIZE_VARIABLE, 'a size such as 500m or 8g');
  if (files === undefined || Number(files) === 0) throw invalid(env, FILES_VARIABLE, 'a number of files');
  const sizeBytes = Math.floor(Number(digits) * (UNITS[unit.toLowerCase()] ?? 1));
  if (sizeBytes === 0) throw invalid(env, SIZE_VARIABLE, 'a size such as 500m or 8g');
  return { sizeBytes, files: Number(files) };
}

/** Why an installation was ended, and how it may go on. */
export function tooLarge(request: string, limits: InstallLimits, exceeded: keyof InstallLimits): ThvError {
  const [reason, variable] =
    exceeded === 'files'
      ? [`it comes to more than ${limits.files} files`, FILES_VARIABLE]
      : [`it comes to more than ${describeSize(limits.sizeBytes)}`, SIZE_VARIABLE];
  return new ThvError(
    'ERR_PACKAGE_INSTALL',
    { package: request, reason: `${reason}, the limit of one installation` },
    { hint: `if that is what it needs, raise the limit with ${variable}` },
  );
}

function describeSize(bytes: number): string {
  const units = ['bytes', 'KB', 'MB', 'GB', 'TB'];
  const power = Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10));
  return `${Number((bytes / 1024 ** power).toFixed(1))} ${units[power]}`;
}

function textOf(env: Readonly<Record<string, string | undefined>>, name: string, preset: string): string {
  return env[name]?.trim() || preset;
}

function invalid(env: Readonly<Record<string, string | undefined>>, name: string, wanted: string): ThvError {
  return new ThvError('ERR_INPUT_INVALID', {
    reason: `${name} is ${JSON.stringify(env[name])}, which is not ${wanted}`,
  });
}
