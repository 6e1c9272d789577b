import { X509Certificate } from 'node:crypto';
import { messageOf, ThvError } from '../errors/index.ts';

const BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----[\s\S]*?-----END \1-----/g;

/**
 * The certificates of a file that a user named (spec 03 §13.5, spec 09 §3), in PEM, without the text around them. That one is
 * not of a CA is no error: proxies of companies use such. Throws `ERR_INPUT_INVALID`.
 */
export function parseCaCertificates(text: string): { readonly pem: string; readonly areAllCa: boolean } {
  const blocks = [...text.matchAll(BLOCK)];
  if (blocks.length === 0) throw invalid('no PEM data found in certificate file');
  const certificates = blocks.map(([block, type]) => {
    if (type !== 'CERTIFICATE') throw invalid(`PEM block is not a certificate (found: ${type})`);
    try {
      return new X509Certificate(block);
    } catch (error) {
      throw invalid(`failed to parse certificate: ${messageOf(error)}`);
    }
  });
  return {
    pem: `${blocks.map(([block]) => block).join('\n')}\n`,
    areAllCa: certificates.every(({ ca }) => ca),
  };
}

function invalid(reason: string): ThvError {
  return new ThvError('ERR_INPUT_INVALID', { reason: `invalid CA certificate: ${reason}` });
}
