import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { adoptOrphans } from './linux/privileges.ts';
import { readOrder } from './order.ts';

/** What a supervisor is told, ahead of the server's input. */
export interface SuperviseOrder {
  readonly command: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
}

const GRACE_MS = 5000;
/** Open as long as the one who wants the process lives. */
export const LIFELINE = 3;

/**
 * `thv __sandbox supervise`: watches a process that has no namespace to end with. When it ends, or the program that wanted it is
 * gone, everything it started is ended too. SIGTERM is passed on; SIGINT ends all at once.
 */
export async function supervise(): Promise<number> {
  const order = readOrder<SuperviseOrder>();
  // Orphans become children of this process, and so can be found.
  if (process.platform === 'linux') adoptOrphans();
  const server = Bun.spawn([...order.command], {
    cwd: order.cwd,
    env: { ...order.env },
    stdio: ['inherit', 'inherit', 'inherit'],
  });
  let isAsked = false;
  const ask = () => {
    isAsked = true;
    for (const pid of descendants()) send(pid, 'SIGTERM');
  };
  process.on('SIGTERM', ask).on('SIGHUP', ask);
  const forced = new Promise<void>((resolve) => process.on('SIGINT', () => resolve()));
  const abandoned = untilAbandoned().then(async () => {
    ask();
    await delay(GRACE_MS, undefined, { ref: false });
  });
  await Promise.race([server.exited, abandoned, forced]);
  await endAll();
  return server.exitCode ?? (isAsked ? 0 : 1);
}

async function untilAbandoned(): Promise<void> {
  try {
    for await (const _ of Bun.file(LIFELINE).stream()) {
      // nothing is ever said
    }
  } catch {
    // closed the hard way
  }
}

/** Kills in rounds, because processes that are being killed may still start others. */
async function endAll(): Promise<void> {
  for (let round = 0; round < 100; round++) {
    const left = descendants();
    if (left.length === 0) return;
    for (const pid of left) send(pid, 'SIGKILL');
    await delay(10);
  }
}

/** Children, their children and so on, of this process. */
function descendants(): readonly number[] {
  const parents = process.platform === 'linux' ? parentsFromProc() : parentsFromPs();
  const found: number[] = [];
  const queue = [process.pid];
  for (let at = 0; at < queue.length; at++) {
    for (const [pid, parent] of parents) {
      if (parent !== queue[at]) continue;
      queue.push(pid);
      found.push(pid);
    }
  }
  return found;
}

function parentsFromProc(): ReadonlyMap<number, number> {
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      // The name of a program, in parentheses, may hold anything; state and parent stand behind it.
      const [state, parent] = readFileSync(`/proc/${name}/stat`, 'utf8')
        .replace(/^.*\) /s, '')
        .split(' ');
      if (state !== 'Z') parents.set(Number(name), Number(parent));
    } catch {
      // it ended while we looked
    }
  }
  return parents;
}

function parentsFromPs(): ReadonlyMap<number, number> {
  const listing = Bun.spawnSync(['ps', '-A', '-o', 'pid=,ppid=,stat=,comm=']).stdout.toString();
  const lines = listing.split('\n').map((line) => line.trim().split(/\s+/));
  return new Map(
    lines
      .filter(([, , state, command]) => state?.startsWith('Z') !== true && command !== 'ps')
      .map(([pid, parent]) => [Number(pid), Number(parent)]),
  );
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // it ended in the meantime
  }
}
