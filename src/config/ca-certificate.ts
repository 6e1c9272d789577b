import { X509Certificate } from 'node:crypto';
import { messageOf, ThvError } from '../errors/index.ts';

const BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----[\s\S]*?-----END \1-----/g;

/**
 * Checks what is to be a CA certificate, or several, in PEM (spec 03 §13.5, spec 09 §3). Throws `ERR_INPUT_INVALID`. Resolves
 * whether all of them are of CAs; some proxies of companies use others, so that one is no error.
 */
export function checkCaCertificate(pem: string): { readonly areAllCa: boolean } {
  const blocks = [...pem.matchAll(BLOCK)];
  if (blocks.length === 0) throw invalid('no PEM data found in certificate file');
  const certificates = blocks.map(([block, type]) => {
    if (type !== 'CERTIFICATE') throw invalid(`PEM block is not a certificate (found: ${type})`);
    try {
      return new X509Certificate(block);
    } catch (error) {
      throw invalid(`failed to parse certificate: ${messageOf(error)}`);
    }
  });
  return { areAllCa: certificates.every(({ ca }) => ca) };
}

function invalid(reason: string): ThvError {
  return new ThvError('ERR_INPUT_INVALID', { reason: `invalid CA certificate: ${reason}` });
}
