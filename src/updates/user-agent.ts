interface Program {
  /** `v1.2.3`, `1.2.3` or `build-…`. */
  readonly version: string;
  /** In the reference's words: `linux/amd64`. */
  readonly platform: string;
  /** By its version unless given. */
  readonly isRelease?: boolean | undefined;
}

/** How this program names itself to the endpoints of spec 09 §9; `component` is who in it asks. */
export function userAgent(
  component: string,
  { version, platform, isRelease = !version.startsWith('build-') }: Program,
): string {
  const kind = isRelease ? 'release' : 'local_build';
  return `toolhive/${component} ${version.startsWith('v') ? version : `v${version}`} ${kind} (${platform})`;
}
