import { isIP } from 'node:net';
import type { Logger } from '../../../platform/index.ts';

/** A setting that a folder brings for an installer and that is not taken. */
export interface LeftOut {
  readonly file: string;
  readonly line: number;
  readonly setting: string;
  /** Where the user can put it instead; `undefined` for what would run a program of the folder. */
  readonly instead: string | undefined;
}

/** Names that only mean something on this machine or in its network (RFC 6761, RFC 6762, RFC 8375). */
const LOCAL_NAME = /(?:^|\.)(?:localhost|local|internal|intranet|lan|home|corp|private|home\.arpa|onion)$/;

/**
 * Whether a folder may say that packages come from there: a public place over TLS, or one that the user's own configuration names.
 * `hosts` are those of the user, with ports.
 */
export function isTrustworthy(text: string, hosts: ReadonlySet<string>): boolean {
  if (/[$`\s]/.test(text) || !URL.canParse(text)) return false;
  const { protocol, hostname, host, port } = new URL(text);
  if (protocol !== 'https:' && protocol !== 'http:') return false;
  if (hosts.has(host)) return true;
  const isPublic =
    isIP(hostname.replace(/^\[(.*)\]$/, '$1')) === 0 && hostname.includes('.') && !LOCAL_NAME.test(hostname);
  return protocol === 'https:' && port === '' && isPublic;
}

/** Hosts, with ports, of URLs. */
export function hostsOf(urls: readonly string[]): ReadonlySet<string> {
  return new Set(urls.flatMap((url) => (URL.canParse(url) ? [new URL(url).host] : [])));
}

/** A name that may stand in a log: nothing behind `=`, which may be a secret. */
export function settingName(text: string): string {
  return text.replace(/[\x00-\x1f\x7f-\x9f]/g, '?').slice(0, 100);
}

/** Tells the user of settings that have no effect. */
export function warnOf(leftOut: readonly LeftOut[], folder: string, logger: Logger): void {
  for (const { file, line, setting, instead } of leftOut) {
    logger.warn('a setting that the folder brings for its installer is left out', {
      folder,
      setting,
      at: `${file}:${line}`,
      instead:
        instead === undefined ? 'nothing of a folder runs while it is installed' : `put it into ${instead}`,
    });
  }
}
