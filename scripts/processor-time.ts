import { existsSync, mkdirSync, readFileSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';

/** Where control groups that count processor time are made: version 1, then version 2 (cgroups(7)). */
const PLACES = [
  { root: '/sys/fs/cgroup/cpuacct', file: 'cpuacct.usage', read: (text: string) => Number(text) / 1e9 },
  {
    root: '/sys/fs/cgroup',
    file: 'cpu.stat',
    read: (text: string) => Number(/^usage_usec (\d+)/m.exec(text)?.[1]) / 1e6,
  },
];

/** Counts the processor time of a command and of all that it starts, also of what goes on after its end. */
export interface ProcessorMeter extends Disposable {
  /** Put before a command, makes it and what it starts count. */
  readonly prefix: readonly string[];
  seconds(): number;
}

/** `undefined` where no control group can be made: on other systems than Linux, and for ordinary users. */
export function openProcessorMeter(name: string): ProcessorMeter | undefined {
  for (const { root, file, read } of PLACES) {
    const folder = join(root, name);
    if (!existsSync(join(root, 'cgroup.procs'))) continue;
    try {
      mkdirSync(folder);
    } catch {
      continue; // not ours to make
    }
    return {
      prefix: ['sh', '-c', 'echo $$ > "$0/cgroup.procs"; exec "$@"', folder],
      seconds: () => read(readFileSync(join(folder, file), 'utf8')),
      [Symbol.dispose]() {
        try {
          rmdirSync(folder);
        } catch {
          // something of it still runs, and it is empty one day
        }
      },
    };
  }
  return undefined;
}
