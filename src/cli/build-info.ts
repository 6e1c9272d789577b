/** Set by the build (`bun build --define`); absent when the program runs from its sources. */
declare const THV_VERSION: string;
declare const THV_COMMIT: string;
declare const THV_BUILD_DATE: string;

export interface BuildInfo {
  /** Release such as `v1.2.3`, otherwise `build-<first 8 of commit>`. */
  readonly version: string;
  readonly commit: string;
  readonly buildDate: string;
  readonly bunVersion: string;
  /** Operating system and processor in the reference's words, for example `linux/amd64`. */
  readonly platform: string;
  readonly isRelease: boolean;
}

export function buildInfo(platform: string = process.platform, arch: string = process.arch): BuildInfo {
  const commit = typeof THV_COMMIT === 'string' && THV_COMMIT !== '' ? THV_COMMIT : 'unknown';
  const release = typeof THV_VERSION === 'string' ? THV_VERSION : '';
  const version = release === '' ? `build-${commit.slice(0, 8)}` : release;
  return {
    version,
    commit,
    buildDate: typeof THV_BUILD_DATE === 'string' && THV_BUILD_DATE !== '' ? THV_BUILD_DATE : 'unknown',
    bunVersion: Bun.version,
    platform: `${platform === 'win32' ? 'windows' : platform}/${arch === 'x64' ? 'amd64' : arch}`,
    isRelease: !version.startsWith('build-'),
  };
}
