import { readFile } from 'node:fs/promises';

/** What a process has used and holds, as Linux counts it. */

export interface Memory {
  /** All of it, with the pages of the executable that others may share. */
  readonly residentBytes: number;
  /** Heap and stacks: its own. */
  readonly ownBytes: number;
}

export async function memoryOf(processId: number): Promise<Memory> {
  const status = await readFile(`/proc/${processId}/status`, 'utf8');
  const bytesOf = (name: string) => {
    const kilobytes = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1];
    if (kilobytes === undefined) throw new Error(`no ${name} in the status of process ${processId}`);
    return Number(kilobytes) * 1024;
  };
  return { residentBytes: bytesOf('VmRSS'), ownBytes: bytesOf('RssAnon') };
}

/** Linux reports processor time in hundredths of a second. */
const TICK_MS = 10;

/** Processor time of all threads since the process began, in the program and in the kernel on its behalf. */
export async function processorMsOf(processId: number): Promise<number> {
  const stat = await readFile(`/proc/${processId}/stat`, 'utf8');
  // The second field is the name in parentheses and may hold spaces; utime and stime are fields 14 and 15.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

/** The only child of a process. */
export async function childOf(processId: number): Promise<number> {
  return Number((await readFile(`/proc/${processId}/task/${processId}/children`, 'utf8')).trim());
}
