import { X509Certificate } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import * as tls from 'node:tls';
import type { HostFacts } from './types.ts';

/** Where Linux distributions take in the CAs of an administrator. What lies there was put there by hand. */
const ANCHORS = [
  '/usr/local/share/ca-certificates',
  '/etc/pki/ca-trust/source/anchors',
  '/etc/ca-certificates/trust-source/anchors',
  '/etc/pki/trust/anchors',
];
/** Variables by which people tell package tools of their CA. */
const VARIABLES = [
  'SSL_CERT_FILE',
  'NODE_EXTRA_CA_CERTS',
  'PIP_CERT',
  'REQUESTS_CA_BUNDLE',
  'CURL_CA_BUNDLE',
];
const BLOCK = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g;
/** Where distributions keep all they trust; what was added to it lies in one of the folders too. */
const WHOLE_BUNDLES: ReadonlySet<string> = new Set([
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/ssl/cert.pem',
]);
/** Bun 1.4.5 has it; its types do not know it yet. */
const { getCACertificates } = tls as typeof tls & {
  getCACertificates(kind: 'system'): readonly string[];
};

/**
 * The CAs that this machine trusts and the usual base images do not, in PEM; `undefined` on a plain machine. On macOS and Windows the
 * system is asked, elsewhere the folders of administrators are read; the files that variables and settings name everywhere.
 */
export async function readHostCertificates(
  host: HostFacts,
  /** What package tools are told in their own settings. */
  files: readonly string[],
): Promise<string | undefined> {
  const system = await systemCertificates(host);
  const texts = [...system, ...(await namedFiles(host, files, system.length > 0))];
  const usual = new Set(tls.rootCertificates.map(fingerprint));
  const extra = new Map<string, string>();
  for (const block of texts.flatMap((text) => text.match(BLOCK) ?? [])) {
    const print = fingerprint(block);
    if (print !== undefined && !usual.has(print)) extra.set(print, block);
  }
  if (extra.size === 0) return undefined;
  return `${[...extra]
    .sort()
    .map(([, block]) => block)
    .join('\n')}\n`;
}

/** A whole bundle holds many a CA that is merely of another year; it is read only when nothing tells what was added to it. */
async function namedFiles(
  { env, readText }: HostFacts,
  files: readonly string[],
  systemIsKnown: boolean,
): Promise<readonly string[]> {
  const paths = new Set([...VARIABLES.flatMap((name) => env[name] || []), ...files]);
  const wanted = [...paths].filter((path) => !(systemIsKnown && WHOLE_BUNDLES.has(path)));
  return Promise.all(wanted.map(async (path) => (await readText(path)) ?? ''));
}

async function systemCertificates({ platform, readText }: HostFacts): Promise<readonly string[]> {
  if (platform === 'darwin' || platform === 'win32') return getCACertificates('system');
  const found: string[] = [];
  for (const folder of ANCHORS) {
    const names = await readdir(folder).catch(() => []);
    for (const name of names.sort()) {
      const text = await readText(join(folder, name));
      if (text !== undefined) found.push(text);
    }
  }
  return found;
}

/** Fingerprint of a CA certificate that is still valid; `undefined` for anything else. */
function fingerprint(block: string): string | undefined {
  try {
    const certificate = new X509Certificate(block);
    const isUsable = certificate.ca && new Date(certificate.validTo) > new Date();
    return isUsable ? certificate.fingerprint256 : undefined;
  } catch {
    return undefined; // not a certificate that could be trusted anywhere
  }
}
