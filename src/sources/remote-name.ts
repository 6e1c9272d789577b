import { isIP } from 'node:net';

/** Second-level labels under which country domains hand out names: the name stands before them. */
const SECOND_LEVEL =
  /^(?:ac|asso|co|com|ed|edu|firm|gen|go|gob|gouv|gov|govt|gv|id|ind|info|ltd|mil|ne|net|nhs|nic|nom|or|org|plc|sch|web)$/;

/** Name of a workload for the host of a remote server's URL (spec 06 §1.2, §19-4). */
export function nameFromHost(hostname: string): string {
  const host = hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '');
  if (isIP(host) === 4) return host.replaceAll('.', '-');
  if (isIP(host) === 6) return `ipv6-${host.replace(/:+/g, '-').replace(/^-|-$/g, '')}`;
  const labels = host.split('.').filter((label) => label !== '');
  const [beforeLast, last] = labels.slice(-2);
  if (beforeLast === undefined || last === undefined) return host;
  const isSuffix = labels.length > 2 && last.length === 2 && SECOND_LEVEL.test(beforeLast);
  const name = isSuffix ? (labels.at(-3) ?? beforeLast) : beforeLast;
  // No workload's name is a single letter.
  return name.length < 2 ? labels.join('-') : name;
}
