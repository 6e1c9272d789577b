import { readFile } from 'node:fs/promises';
import { parseCaCertificates } from '../config/index.ts';
import { messageOf, ThvError } from '../errors/index.ts';
import type { Logger } from '../platform/index.ts';

/**
 * A CA certificate, or several, that the user named (spec 03 §13.5): what of the file is certificates, in PEM. Text around them
 * is left out, because the file goes into an image. Throws `ERR_BUILD_INPUT_INVALID`, `ERR_INPUT_INVALID`.
 */
export async function readCertificateFile(path: string, logger: Logger): Promise<string> {
  const text = await readFile(path, 'latin1').catch((error: unknown) => {
    throw new ThvError('ERR_BUILD_INPUT_INVALID', {
      reason: `failed to read CA certificate file: ${messageOf(error)}`,
    });
  });
  const { pem, areAllCa } = parseCaCertificates(text);
  if (!areAllCa) logger.warn('a certificate is not one of a CA', { path });
  return pem;
}
