interface Program {
  /** `v1.2.3`, `1.2.3` or `build-…`. */
  readonly version: string;
  /** In the reference's words: `linux/amd64`. */
  readonly platform: string;
}

/** How this program names itself to the endpoints of spec 09 §9; `component` is who in it asks. */
export function userAgent(component: string, { version, platform }: Program): string {
  const kind = version.startsWith('build-') ? 'local_build' : 'release';
  return `toolhive/${component} ${version.startsWith('v') ? version : `v${version}`} ${kind} (${platform})`;
}
