import { join } from 'node:path';
import { rootCertificates } from 'node:tls';

const EXTRA = 'extra-certificates.pem';
const ALL = 'certificates.pem';

interface CertificateSettings {
  readonly files: Readonly<Record<string, string>>;
  /** Variables by which tools are told where they are. */
  readonly env: (settings: string) => Readonly<Record<string, string>>;
}

/** The CAs that this machine trusts beyond the usual ones, for tools that do not look for them themselves. */
export function certificateSettings(extra: string | undefined): CertificateSettings {
  if (extra === undefined) return { files: {}, env: () => ({}) };
  return {
    // Some variables add to the usual ones, others replace them.
    files: { [EXTRA]: extra, [ALL]: `${rootCertificates.join('\n')}\n${extra}` },
    env: (settings) => ({
      NODE_EXTRA_CA_CERTS: join(settings, EXTRA),
      SSL_CERT_FILE: join(settings, ALL),
      GIT_SSL_CAINFO: join(settings, ALL),
    }),
  };
}
