import { join } from 'node:path';
import type { HostFacts } from './types.ts';

/** The entries of the user's `.netrc` for hosts that packages come from; the other logins of the file are none of a build's business. */
export async function netrcFor(indexes: readonly string[], host: HostFacts): Promise<string | undefined> {
  const hosts = indexes.map(hostOf).filter((name) => name !== '');
  if (hosts.length === 0) return undefined;
  const path = host.env['NETRC'] || join(host.home, host.platform === 'win32' ? '_netrc' : '.netrc');
  const entries = parseNetrc((await host.readText(path)) ?? '').filter(({ machine }) =>
    hosts.some((wanted) => matches(machine, wanted)),
  );
  if (entries.length === 0) return undefined;
  return entries
    .map(({ machine, login, password }) => `machine ${machine}\nlogin ${login}\npassword ${password}\n`)
    .join('');
}

interface Login {
  readonly machine: string;
  readonly login: string;
  readonly password: string;
}

/** Words of `.netrc` (ftp(1), "The .netrc file"); `default`, `account` and macros are passed over. */
function parseNetrc(text: string): readonly Login[] {
  const body = text.replace(/^\s*#.*$/gm, '').replace(/^macdef\b[\s\S]*?(?:\n\s*\n|$(?![\s\S]))/gm, '');
  return body.split(/(?:^|\s)(?=(?:machine\s|default(?:\s|$)))/).flatMap((entry) => {
    const words = entry.trim().split(/\s+/);
    const after = (key: string) => {
      const at = words.indexOf(key);
      return at === -1 ? undefined : words[at + 1];
    };
    const [machine, login, password] = [after('machine'), after('login'), after('password')];
    return machine === undefined || login === undefined || password === undefined
      ? []
      : [{ machine, login, password }];
  });
}

/** Host of a URL, of `name=URL`, or of a pattern of module paths such as `*.corp.example/team`. */
function hostOf(index: string): string {
  const rest = index.replace(/^[^/]*?=(?=[a-z]+:\/\/)/, '').replace(/^[a-z+]+:\/\//, '');
  return (rest.split('/')[0] ?? '').replace(/^.*@/, '').replace(/:\d+$/, '');
}

function matches(machine: string, wanted: string): boolean {
  return wanted.startsWith('*.') ? machine.endsWith(wanted.slice(1)) : machine === wanted;
}
