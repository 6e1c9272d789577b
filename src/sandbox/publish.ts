import { ThvError } from '../errors/index.ts';

export interface PublishedPort {
  /** '' lets the engine choose. */
  readonly hostPort: string;
  readonly containerPort: string;
}

/** `hostPort:containerPort` or `containerPort` (spec 03 §6.3). Throws `ERR_INPUT_INVALID`. */
export function parsePublish(spec: string): PublishedPort {
  const parts = spec.split(':');
  const fail = (reason: string) => new ThvError('ERR_INPUT_INVALID', { reason });
  if (spec === '' || parts.length > 2) {
    throw fail(`invalid port specification: ${spec} (expected 'hostPort:containerPort' or 'containerPort')`);
  }
  const [hostPort, containerPort] = parts.length === 2 ? parts : ['', parts[0]];
  if (hostPort !== '' && !isPort(hostPort)) throw fail(`invalid host port in spec '${spec}': ${hostPort}`);
  if (parts.length === 2 && hostPort === '') throw fail(`invalid host port in spec '${spec}': `);
  if (!isPort(containerPort)) throw fail(`invalid container port in spec '${spec}': ${containerPort}`);
  return { hostPort: hostPort ?? '', containerPort: containerPort ?? '' };
}

/** As it stands in a document. */
export function formatPublish({ hostPort, containerPort }: PublishedPort): string {
  return hostPort === '' ? containerPort : `${hostPort}:${containerPort}`;
}

function isPort(text: string | undefined): boolean {
  return text !== undefined && /^\d{1,5}$/.test(text) && Number(text) >= 1 && Number(text) <= 65_535;
}
