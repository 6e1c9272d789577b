import * as v from 'valibot';
import { type BuildInfo, buildInfo, createCommand, formatFlag, printJson } from '../cli/index.ts';

export const version = createCommand({
  usage: '[flags]',
  long: 'Show the version of this program, and what it was built from and with.',
  flags: {
    format: formatFlag(['json', 'text'], 'text'),
    json: {
      kind: 'bool',
      help: 'Output as JSON',
      deprecated: 'use --format json instead',
      schema: v.optional(v.boolean(), false),
    },
  },
  positionals: 'none',
  async run({ options, terminal }) {
    if (options.json || options.format === 'json') printJson(terminal, jsonVersion(buildInfo()));
    else terminal.out(renderVersion(buildInfo()));
  },
});

export function renderVersion(build: BuildInfo): string {
  const remark = build.isRelease ? '' : 'You are running a local build of ToolHive\n\n';
  return `${remark}ToolHive ${build.version}
Commit: ${build.commit}
Built: ${build.buildDate}
Bun version: ${build.bunVersion}
Platform: ${build.platform}
`;
}

/** `go_version` is what scripts written for the reference read; it names our runtime (spec 01 §6.5). */
export function jsonVersion(build: BuildInfo) {
  return {
    version: build.version,
    commit: build.commit,
    build_date: build.buildDate,
    go_version: `bun${build.bunVersion}`,
    bun_version: build.bunVersion,
    platform: build.platform,
  };
}
