import { runLines } from './instructions.ts';
import type { BuildPlan } from './types.ts';

/** Names in the context of the build. */
export const CUSTOM_CERTIFICATE_FILE = 'ca-cert.crt';
export const HOST_CERTIFICATES_FILE = 'host-ca.crt';

const BUNDLE = '/etc/ssl/certs/ca-certificates.crt';

type Trust = Pick<BuildPlan, 'certificates' | 'filesPrefix'>;

/** Package managers speak TLS before a certificate can be installed in an orderly way, so it goes into the bundle by hand. */
export function beforePackages({ certificates, filesPrefix }: Trust): readonly string[] {
  return [
    ...(certificates.has('custom')
      ? [
          '# Add custom CA certificate BEFORE any network operations',
          `COPY ${filesPrefix}${CUSTOM_CERTIFICATE_FILE} /tmp/custom-ca.crt`,
          ...append('/tmp/custom-ca.crt'),
        ]
      : []),
    ...(certificates.has('host')
      ? [
          '# CAs that the building machine trusts beyond the usual ones',
          `COPY ${filesPrefix}${HOST_CERTIFICATES_FILE} /tmp/host-ca.crt`,
          ...append('/tmp/host-ca.crt'),
        ]
      : []),
  ];
}

/** The package `ca-certificates` rewrites the bundle when it is installed; what went before is lost (B14). */
export function afterPackages({ certificates }: Trust): readonly string[] {
  return [
    ...(certificates.has('custom')
      ? runLines(
          'set -eu',
          'mkdir -p /usr/local/share/ca-certificates',
          'cp /tmp/custom-ca.crt /usr/local/share/ca-certificates/custom-ca.crt',
          'chmod 0644 /usr/local/share/ca-certificates/custom-ca.crt',
          'if command -v update-ca-certificates >/dev/null; then',
          '  update-ca-certificates;',
          'fi;',
          ...appendOnce('/tmp/custom-ca.crt'),
        )
      : []),
    ...(certificates.has('host') ? runLines('set -eu', ...appendOnce('/tmp/host-ca.crt')) : []),
  ];
}

/** npm, pip, uv, git and Go each look elsewhere; all are sent to the bundle. */
export function trustVariables({ certificates }: Trust): readonly string[] {
  if (certificates.size === 0) return [];
  const names = [
    'SSL_CERT_FILE',
    'NODE_EXTRA_CA_CERTS',
    'PIP_CERT',
    'REQUESTS_CA_BUNDLE',
    'CURL_CA_BUNDLE',
    'GIT_SSL_CAINFO',
  ];
  return [`ENV ${names.map((name) => `${name}=${BUNDLE}`).join(' \\\n    ')}`];
}

function append(file: string): readonly string[] {
  return [`RUN mkdir -p /etc/ssl/certs && cat ${file} >> ${BUNDLE}`];
}

/** Unless its last line of content is in the bundle already. */
function appendOnce(file: string): readonly string[] {
  return [
    `if ! grep -qF "$(grep -v -e '^-' -e '^$' ${file} | tail -n 1)" ${BUNDLE}; then`,
    `  cat ${file} >> ${BUNDLE};`,
    'fi',
  ];
}
