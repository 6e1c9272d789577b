import { buildInfo, createCommand, isDebugEnvironment } from '../cli/index.ts';

export const host = createCommand({
  usage: '[flags]',
  long: `Run the workload host: the process that holds all workloads of this user.

Started by itself when the first workload starts, and ends after the last one; there is no need to call it.`,
  flags: {},
  positionals: 'none',
  async run({ debug, env, signal, findPaths }) {
    const { runHost } = await import('../host/index.ts');
    const { version, platform, buildDate } = buildInfo();
    return runHost({
      paths: await findPaths(),
      version,
      platform,
      builtAt: buildDate,
      logLevel: debug || isDebugEnvironment(env) ? 'DEBUG' : 'INFO',
      signal,
    });
  },
});
