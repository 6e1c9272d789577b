import { ThvError } from '../../errors/index.ts';
import type { Attempt } from './probe.ts';

const PERMISSION_HINT =
  " (hint: permission denied on the engine's socket; add yourself to the 'docker' group with" +
  ' `sudo usermod -aG docker $USER`, log out and in again, and see' +
  ' https://docs.docker.com/engine/install/linux-postinstall/)';

/**
 * Why no engine could be had: first the reference's sentence (spec 03 §1.4), about a refused permission if there is one, since
 * that has a remedy, else about the last failure; then every place that was tried, with what happened there (B4).
 */
export function noEngine(attempts: readonly Attempt[], firstLine?: string): ThvError {
  const failures = attempts.filter((attempt) => attempt.result === 'failed');
  const telling = failures.findLast((attempt) => attempt.isPermission) ?? failures.at(-1);
  const hint = telling?.isPermission ? PERMISSION_HINT : '';
  const what =
    telling === undefined
      ? 'container runtime not found'
      : `failed to ping Docker server at ${telling.address}: ${telling.why}`;
  const sentence =
    firstLine === undefined
      ? `no supported container runtime available${hint}: ${what}`
      : `${firstLine}${hint}`;
  return new ThvError('ERR_ENGINE_UNAVAILABLE', { reason: [sentence, ...attempts.map(lineOf)].join('\n') });
}

function lineOf(attempt: Attempt): string {
  const happened = attempt.result === 'answered' ? `answered as ${attempt.identity.kind}` : attempt.why;
  return `  ${attempt.address} (${attempt.origin}): ${happened}`;
}
