import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { waitFor } from '../harness/wait-for.ts';
import type { World } from '../harness/world.ts';

/** The one workload host of a world, and its guard, by process id. */
export async function hostAndGuard(world: World): Promise<{ readonly host: number; readonly guard: number }> {
  return await waitFor(
    async () => {
      const processes = await world.processes();
      const hosts = processes.filter(({ command }) => / host$/.test(command) && !/^sh /.test(command));
      const guards = processes.filter(({ command }) => /^sh -c .*thv-guard/s.test(command));
      return { hosts, guards, host: hosts[0]?.pid ?? 0, guard: guards[0]?.pid ?? 0 };
    },
    ({ hosts, guards }) => hosts.length === 1 && guards.length === 1,
    { what: 'one host and one guard live' },
  );
}

/** What a process has open: the target of each descriptor. */
export function descriptorsOf(pid: number): readonly string[] {
  return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/${pid}/fd/${fd}`)];
    } catch {
      return []; // closed while we looked
    }
  });
}

/** The sockets that listen on a port of this machine, by inode: once they are gone, another process may listen there. */
export function listenersAt(port: number): readonly string[] {
  return ['tcp', 'tcp6'].flatMap((table) =>
    readFileSync(`/proc/net/${table}`, 'utf8')
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      // `address:port` in hexadecimal; 0A is LISTEN.
      .filter(
        ([, local, , state]) => state === '0A' && Number.parseInt(local?.split(':')[1] ?? '', 16) === port,
      )
      .map((fields) => fields[9] ?? ''),
  );
}

export function residentMegabytesOf(pid: number): number {
  const [, kilobytes] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kilobytes) / 1024;
}

/** Direct children, zombies too. */
export function childrenOf(pid: number): readonly number[] {
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      const [, parent] = readFileSync(`/proc/${name}/stat`, 'utf8')
        .replace(/^.*\) /s, '')
        .split(' ');
      return Number(parent) === pid ? [Number(name)] : [];
    } catch {
      return []; // it ended while we looked
    }
  });
}
