import type { LogLevel } from '../platform/index.ts';
import type { Environment } from './command.ts';
import { findBool } from './flag-value.ts';

/** Least level and shape of our own log lines on stderr (spec 01 §2.2, §14-6). */
export function logSettings(
  env: Environment,
  { debug, stderrIsTty }: { readonly debug: boolean; readonly stderrIsTty: boolean },
): { readonly level: LogLevel; readonly format: 'json' | 'text' } {
  const forced = findBool(env['UNSTRUCTURED_LOGS'] ?? '');
  return {
    level: debug || isDebugEnvironment(env) ? 'DEBUG' : 'INFO',
    format: (forced ?? stderrIsTty) ? 'text' : 'json',
  };
}

export function isDebugEnvironment(env: Environment): boolean {
  return findBool(env['TOOLHIVE_DEBUG'] ?? '') === true;
}
