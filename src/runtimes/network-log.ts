import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import type { Paths } from '../platform/index.ts';
import type { WorkloadName } from '../records/index.ts';

const Entry = v.object({
  at: v.string(),
  verdict: v.picklist(['allowed', 'refused']),
  protocol: v.picklist(['http', 'connect', 'tcp', 'dns', 'ingress']),
  /** `*` where attempts at many different hosts were counted together. */
  host: v.string(),
  port: v.number(),
  /** Which rule decided, in words. */
  rule: v.string(),
  /** What would allow what was refused. */
  remedy: v.optional(v.string()),
  /** How often it was tried since the line before it that is like it. */
  count: v.number(),
});

/** One line of the network log of a workload: attempts that were alike, and what became of them. */
export type NetworkEntry = v.InferOutput<typeof Entry>;

/** Where the attempts of a workload's server to reach something are kept; an older part ends in `.1`. */
export function networkLogPath(paths: Pick<Paths, 'data'>, name: WorkloadName): string {
  return join(paths.data, 'network', `${name}.log`);
}

/** What attempts that are alike have in common. */
export function attemptKey({
  verdict,
  protocol,
  host,
  port,
}: Pick<NetworkEntry, 'verdict' | 'protocol' | 'host' | 'port'>) {
  return `${verdict} ${protocol} ${host} ${port}`;
}

/** A line of the log; `undefined` for one that is torn or none of ours. */
export function parseNetworkEntry(line: string): NetworkEntry | undefined {
  try {
    const parsed = v.safeParse(Entry, JSON.parse(line));
    return parsed.success ? parsed.output : undefined;
  } catch {
    return undefined;
  }
}

/** Attempts that were alike, over all of the log. */
export interface NetworkAttempts extends Omit<NetworkEntry, 'at'> {
  readonly first_at: string;
  readonly last_at: string;
}

/** What the log of a workload tells, the newest first; empty when nothing was written. */
export function readNetworkAttempts(
  paths: Pick<Paths, 'data'>,
  name: WorkloadName,
): readonly NetworkAttempts[] {
  const path = networkLogPath(paths, name);
  const lines = [`${path}.1`, path].flatMap((part) => textOf(part).split('\n'));
  const attempts = new Map<string, NetworkAttempts>();
  for (const line of lines) {
    const entry = parseNetworkEntry(line);
    if (entry === undefined) continue;
    const { at, ...facts } = entry;
    const known = attempts.get(attemptKey(entry));
    attempts.set(attemptKey(entry), {
      ...facts,
      count: (known?.count ?? 0) + entry.count,
      first_at: known?.first_at ?? at,
      last_at: at,
    });
  }
  return [...attempts.values()].sort((a, b) => b.last_at.localeCompare(a.last_at));
}

export function deleteNetworkLog(paths: Pick<Paths, 'data'>, name: WorkloadName): void {
  const path = networkLogPath(paths, name);
  for (const part of [path, `${path}.1`]) rmSync(part, { force: true });
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // nothing was written yet, or nobody may read it
  }
}
