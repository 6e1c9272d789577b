import { isAbsolute } from 'node:path';
import * as v from 'valibot';
import {
  type AuditConfig,
  auditSettings,
  createAuditLog,
  DEFAULT_AUDIT,
  type LineSink,
  openAuditFile,
  parseAuditConfig,
  readAuditConfig,
} from '../../audit/index.ts';
import { ThvError, within } from '../../errors/index.ts';
import { parseParameters } from '../parameters.ts';
import type { Services } from '../types.ts';
import { type Audit, createAudit } from './audit.ts';

const Text = v.nullish(v.string());
const Parameters = v.looseObject({
  config_path: Text,
  config_data: v.nullish(v.unknown()),
  component: Text,
  transport_type: Text,
});

/**
 * Opens the audit log of a chain, with what writes to it (spec 05 §16). `undefined` where the config switches it off. Throws
 * `ERR_RUN_CONFIG_INVALID`, `ERR_INPUT_INVALID` for a config that makes no sense, `ERR_FILE_UNWRITABLE`.
 */
export async function openAudit(
  parameters: unknown,
  services: Services,
  resources: AsyncDisposableStack,
): Promise<Audit | undefined> {
  const given = parseParameters('audit', Parameters, parameters);
  const config = await within('failed to load audit configuration', () => configOf(given));
  const settings = auditSettings(config, given.component || 'thv');
  if (settings === undefined) return undefined;
  const { file } = settings;
  if (file !== undefined && !isAbsolute(file.path))
    throw new ThvError('ERR_RUN_CONFIG_INVALID', {
      reason: `audit_config: logFile must be an absolute path, got ${file.path}`,
    });
  const log = resources.use(
    createAuditLog({
      sink: file === undefined ? linesTo(services.writeOut) : await openAuditFile(file),
      component: settings.component,
      place: file?.path ?? 'stdout',
      log: services.log,
    }),
  );
  const { clock, proxy } = services;
  const { trustProxyHeaders } = proxy;
  return createAudit({ settings, log, transport: given.transport_type ?? '', trustProxyHeaders, clock });
}

/** The content wins over the path that it once came from (spec 05 §19). */
function configOf({
  config_data,
  config_path,
}: v.InferOutput<typeof Parameters>): AuditConfig | Promise<AuditConfig> {
  if (config_data !== undefined && config_data !== null) return parseAuditConfig(config_data);
  return config_path ? readAuditConfig(config_path) : DEFAULT_AUDIT;
}

function linesTo(write: Services['writeOut'] = toStdout): LineSink {
  return {
    async write(lines) {
      if (!write(new TextDecoder().decode(lines))) throw new Error('the log file cannot be written');
    },
    async close() {},
  };
}

function toStdout(text: string): boolean {
  process.stdout.write(text);
  return true;
}
