import { ThvError } from '../errors/index.ts';
import { findAssignment } from './assignment.ts';

/** Labels on containers and in run configs (spec 02 §5.4, spec 03 §2.2). */
export const LABEL = {
  managed: 'toolhive',
  name: 'toolhive-name',
  baseName: 'toolhive-basename',
  transport: 'toolhive-transport',
  port: 'toolhive-port',
  networkIsolation: 'toolhive-network-isolation',
  /** Helper workloads without a supervisor, such as the inspector. */
  auxiliary: 'toolhive-auxiliary',
  /** Side containers; hidden from lists. */
  auxiliaryWorkload: 'toolhive-auxiliary-workload',
  /** Written by the reference of September 2025; tolerated. */
  toolType: 'toolhive-tool-type',
} as const;

const STANDARD: ReadonlySet<string> = new Set([
  LABEL.managed,
  LABEL.name,
  LABEL.baseName,
  LABEL.transport,
  LABEL.port,
  LABEL.networkIsolation,
]);

export function standardLabels(facts: {
  readonly containerName: string;
  readonly baseName: string;
  readonly transport: string;
  readonly port: number;
}): Record<string, string> {
  return {
    [LABEL.managed]: 'true',
    [LABEL.name]: facts.containerName,
    [LABEL.baseName]: facts.baseName,
    [LABEL.transport]: facts.transport,
    [LABEL.port]: String(facts.port),
  };
}

export function isManaged(labels: Readonly<Record<string, string>>): boolean {
  return labels[LABEL.managed]?.toLowerCase() === 'true';
}

/** What a container of a workload is for. */
export type ContainerRole = 'server' | 'egress';

/** Sidecars carry a label; every sidecar there is stands between a server and the network. */
export function roleOf(labels: Readonly<Record<string, string>>): ContainerRole {
  return labels[LABEL.auxiliaryWorkload] === 'true' ? 'egress' : 'server';
}

export function userLabels(labels: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(labels).filter(([key]) => !STANDARD.has(key)));
}

const NAME = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/;
const SUBDOMAIN = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/;

/** `key=value` by Kubernetes' rules for labels. Throws `ERR_INPUT_INVALID`. */
function parseLabel(text: string): readonly [key: string, value: string] {
  const fail = (reason: string) => new ThvError('ERR_INPUT_INVALID', { reason });
  const sides = findAssignment(text);
  if (sides === undefined) throw fail(`invalid label format, expected key=value: ${text}`);
  const [key, value] = sides.map((side) => side.trim()) as [string, string];
  if (key === '') throw fail('label key cannot be empty');
  const [prefix, name, ...more] = key.includes('/') ? key.split('/') : [undefined, key];
  const prefixIsValid = prefix === undefined || (prefix.length <= 253 && SUBDOMAIN.test(prefix));
  if (more.length > 0 || !prefixIsValid || name === undefined || !NAME.test(name) || key.length > 253) {
    throw fail(`invalid label key: ${key}`);
  }
  if (value !== '' && !NAME.test(value)) throw fail(`invalid label value: ${value}`);
  return [key, value];
}

export interface ParsedLabels {
  readonly labels: Readonly<Record<string, string>>;
  /** A label that cannot be set does not keep a server from running (spec 01 §4.3). */
  readonly refused: readonly { readonly label: string; readonly error: unknown }[];
}

export function parseLabels(texts: readonly string[]): ParsedLabels {
  const labels: [string, string][] = [];
  const refused: { label: string; error: unknown }[] = [];
  for (const label of texts) {
    try {
      labels.push([...parseLabel(label)]);
    } catch (error) {
      refused.push({ label, error });
    }
  }
  return { labels: Object.fromEntries(labels), refused };
}

/** A `key=value` that a workload's labels must have. Throws `ERR_INPUT_INVALID`. */
export function parseLabelFilter(text: string): readonly [key: string, value: string] {
  const sides = findAssignment(text);
  if (sides === undefined || sides[0] === '') {
    throw new ThvError('ERR_INPUT_INVALID', {
      reason: `failed to parse label filters: invalid label filter '${text}': expected key=value`,
    });
  }
  return sides.map((side) => side.trim()) as [string, string];
}
