import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export type Revision = '2025-11-25' | '2026-07-28';

/** What the suite can say of one check, from bad to good; those that do not apply are as good as passed. */
const STATUSES = ['FAILURE', 'WARNING', 'SKIPPED', 'INFO', 'SUCCESS'] as const;
export type Status = (typeof STATUSES)[number];

export interface Check {
  /** `scenario / check id / check name`. */
  readonly key: string;
  readonly status: Status;
  readonly message: string;
}

interface Written {
  readonly id: string;
  readonly name: string;
  readonly status: Status;
  readonly errorMessage?: string;
}

const SUITE = fileURLToPath(import.meta.resolve('@modelcontextprotocol/conformance/dist/index.js'));
const SCENARIO_MS = 15_000;
const RUN_MS = 120_000;

/** Runs every scenario of a revision against a server; of checks with the same key the worst one counts. */
export async function runSuite(url: string, revision: Revision): Promise<ReadonlyMap<string, Check>> {
  const folder = await mkdtemp(join(tmpdir(), 'thv-conformance-'));
  try {
    const args = [
      '--url',
      url,
      '--spec-version',
      revision,
      '--suite',
      'all',
      '--timeout',
      String(SCENARIO_MS),
    ];
    const child = Bun.spawn([process.execPath, SUITE, 'server', ...args, '-o', folder], {
      stdin: 'ignore',
      stdout: 'ignore',
      stderr: 'pipe',
      timeout: RUN_MS,
    });
    const [complaint] = await Promise.all([child.stderr.text(), child.exited]);
    const checks = await readChecks(folder);
    if (checks.size === 0) throw new Error(`the conformance suite wrote no results: ${complaint}`);
    return checks;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

export function rank(status: Status | undefined): number {
  return status === undefined ? -1 : STATUSES.indexOf(status);
}

/** `server-<scenario>-<time>/checks.json` for each scenario. */
async function readChecks(folder: string): Promise<ReadonlyMap<string, Check>> {
  const checks = new Map<string, Check>();
  for (const name of await readdir(folder)) {
    const scenario = /^server-(.+?)-\d{4}-\d\d-\d\dT/.exec(name)?.[1] ?? name;
    const written: readonly Written[] = await Bun.file(join(folder, name, 'checks.json')).json();
    for (const { id, name: title, status, errorMessage = '' } of written) {
      const key = `${scenario} / ${id} / ${title}`;
      const known = checks.get(key);
      if (known === undefined || rank(status) < rank(known.status))
        checks.set(key, { key, status, message: errorMessage });
    }
  }
  return checks;
}
