import { isAbsolute } from 'node:path';
import {
  type AuditConfig,
  checkAuditFile,
  DEFAULT_AUDIT,
  parseAuditConfig,
  readAuditConfig,
  withAbsoluteFile,
} from '../audit/index.ts';
import { ThvError, within } from '../errors/index.ts';
import { auditParametersOf } from '../host/index.ts';
import { parseWorkloadName, type RunConfig } from '../records/index.ts';
import type { Context } from './context.ts';
import type { GivenAudit } from './run-request.ts';
import { workloadLogPath } from './supervisor.ts';
import type { AuditPlace } from './types.ts';

/** What a document says of its audit log. */
export interface StoredAudit {
  readonly config: AuditConfig;
  /** The file it came from; '' for none. */
  readonly path: string;
}

/**
 * Reads what is asked for and looks whether the log can be written, before anything is made (spec 05 §16.1). Throws
 * `ERR_FILE_UNREADABLE`, `ERR_INPUT_INVALID`, `ERR_FILE_UNWRITABLE`.
 */
export async function resolveAudit(given: GivenAudit | undefined): Promise<StoredAudit | undefined> {
  if (given === undefined) return undefined;
  const path = given.kind === 'file' ? given.path : '';
  const config = await within('failed to load audit configuration', async () => {
    if (given.kind === 'config') return withAbsoluteFile(given.config);
    return path === '' ? DEFAULT_AUDIT : await readAuditConfig(path);
  });
  if (config.logFile && config.enabled !== false) await checkAuditFile(config.logFile);
  return { config, path };
}

/** The audit config of a document, wherever in it that stands; `undefined` where it asks for none, or switches it off. */
export async function storedAudit(config: RunConfig): Promise<AuditConfig | undefined> {
  const parameters = auditParametersOf(config);
  if (parameters === undefined) return undefined;
  const { config_data: data, config_path: path } = parameters;
  const audit = await within('failed to load audit configuration', () => {
    if (data !== undefined && data !== null) return parseAuditConfig(data);
    return path ? readAuditConfig(path) : DEFAULT_AUDIT;
  });
  return audit.enabled === false ? undefined : audit;
}

/** What `resolveAudit` looks at, for a document that was made earlier or elsewhere. Throws the same, and for a relative path. */
export async function checkStoredAudit(config: RunConfig): Promise<void> {
  const { logFile } = (await storedAudit(config)) ?? {};
  if (!logFile) return;
  if (!isAbsolute(logFile))
    throw new ThvError('ERR_RUN_CONFIG_INVALID', {
      reason: `audit_config: logFile must be an absolute path, got ${logFile}`,
    });
  await checkAuditFile(logFile);
}

/** Throws `ERR_NOT_AUDITED`, `ERR_RUN_CONFIG_NOT_FOUND`. */
export async function auditPlace(context: Context, rawName: string): Promise<AuditPlace> {
  const name = parseWorkloadName(rawName);
  const audit = await storedAudit(await context.runConfigs.get(name));
  if (audit === undefined)
    throw new ThvError(
      'ERR_NOT_AUDITED',
      { workload: name },
      { hint: 'run it with --enable-audit or --audit-config' },
    );
  return audit.logFile
    ? { path: audit.logFile, isMixed: false }
    : { path: workloadLogPath(context, name), isMixed: true };
}
