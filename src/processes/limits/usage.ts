import { readdirSync, readFileSync } from 'node:fs';

/** What a process and all below it use. */
export interface Usage {
  readonly bytes: number;
  /** Processes and threads. */
  readonly tasks: number;
}

const PAGE_BYTES = 4096;

/**
 * What the processes below `root` use; `root` only looks after them and does not count. With `isExact`, memory that several
 * processes share is counted once, which takes the kernel a while.
 */
export async function usageBelow(root: number, isExact: boolean): Promise<Usage> {
  if (process.platform !== 'linux') return usageFromPs(root);
  let bytes = 0;
  let tasks = 0;
  const queue = [...childrenOf(root)];
  for (let pid = queue.pop(); pid !== undefined; pid = queue.pop()) {
    tasks += tasksOf(pid).length;
    bytes += (isExact ? sharedOut(pid) : undefined) ?? resident(pid);
    queue.push(...childrenOf(pid));
  }
  return { bytes, tasks };
}

function tasksOf(pid: number): readonly string[] {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    return []; // it ended meanwhile
  }
}

/** A process is the child of the thread that made it. */
function childrenOf(pid: number): readonly number[] {
  return tasksOf(pid).flatMap((task) =>
    readText(`/proc/${pid}/task/${task}/children`).split(' ').filter(Boolean).map(Number),
  );
}

function resident(pid: number): number {
  return Number(readText(`/proc/${pid}/statm`).split(' ')[1] ?? 0) * PAGE_BYTES;
}

/** Its share of what it has in memory with others (proc_pid_smaps(5)); `undefined` where we may not know. */
function sharedOut(pid: number): number | undefined {
  const kilobytes = /^Pss: +(\d+) kB$/m.exec(readText(`/proc/${pid}/smaps_rollup`))?.[1];
  return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // it ended meanwhile
  }
}

async function usageFromPs(root: number): Promise<Usage> {
  const child = Bun.spawn(['ps', '-A', '-o', 'pid=,ppid=,rss='], { stdout: 'pipe', stderr: 'ignore' });
  return usageInListing(await new Response(child.stdout).text(), root);
}

/** From lines of process, parent and kilobytes. */
export function usageInListing(listing: string, root: number): Usage {
  const rows = listing
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number));
  const below = new Set([root]);
  for (let known = 0; known !== below.size; ) {
    known = below.size;
    for (const [pid = 0, parent = 0] of rows) if (below.has(parent)) below.add(pid);
  }
  below.delete(root);
  const mine = rows.filter(([pid = 0]) => below.has(pid));
  return { bytes: mine.reduce((sum, [, , kilobytes = 0]) => sum + kilobytes * 1024, 0), tasks: mine.length };
}
