import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { messageOf, ThvError } from '../errors/index.ts';
import type { Logger } from '../platform/index.ts';

const BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----[\s\S]*?-----END \1-----/g;

/**
 * A CA certificate, or several, that the user named (spec 03 §13.5): what of the file is certificates, in PEM. Text around them
 * is left out, for the file goes into an image. Throws `ERR_BUILD_INPUT_INVALID`.
 */
export async function readCertificateFile(path: string, logger: Logger): Promise<string> {
  const text = await readFile(path, 'latin1').catch((error: unknown) => {
    throw refused(`failed to read CA certificate file: ${messageOf(error)}`);
  });
  const blocks = [...text.matchAll(BLOCK)];
  if (blocks.length === 0) throw invalid('no PEM data found in certificate file');
  for (const [block, type = ''] of blocks) {
    if (type !== 'CERTIFICATE') throw invalid(`PEM block is not a certificate (found: ${type})`);
    if (!parse(block).ca) logger.warn('this certificate is not one of a CA', { path });
  }
  return `${blocks.map(([block]) => block).join('\n')}\n`;
}

function parse(block: string): X509Certificate {
  try {
    return new X509Certificate(block);
  } catch (error) {
    throw invalid(`failed to parse certificate: ${messageOf(error)}`);
  }
}

function invalid(reason: string): ThvError {
  return refused(`invalid CA certificate: ${reason}`);
}

function refused(reason: string): ThvError {
  return new ThvError('ERR_BUILD_INPUT_INVALID', { reason });
}
