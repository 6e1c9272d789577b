import { chown, cp, mkdir, mkdtemp, readdir, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Engine } from '../../src/engine/index.ts';
import { ensureImage } from '../build/base-images.ts';

/** Debian's packages, as far as its archive can be reached; without it what needs them is left out. */
export const HAS_APT = Bun.which('apt-get') !== null && Bun.which('dpkg-deb') !== null;

/** Runs as Squid's user, as the reference's image does. */
export const squidImage = (engine: Engine) =>
  ensureImage(engine, 'thv-test/squid', fillPrograms, [
    'ENTRYPOINT ["/usr/sbin/squid","-N","-d","1"]',
    'USER 13:13',
  ]);

export const dnsmasqImage = (engine: Engine) =>
  ensureImage(engine, 'thv-test/dnsmasq', fillPrograms, ['ENTRYPOINT ["/usr/sbin/dnsmasq","--no-daemon"]']);

const PACKAGES = ['squid', 'squid-common', 'dnsmasq-base'];
const PROGRAMS = ['/usr/sbin/squid', '/usr/lib/squid/unlinkd', '/usr/lib/squid/pinger', '/usr/sbin/dnsmasq'];
const SQUID_USER = 13;

/** The programs of the packages with their libraries, and nothing of what their installation would do. */
async function fillPrograms(root: string): Promise<void> {
  const scratch = await mkdtemp(join(tmpdir(), 'thv-packages-'));
  try {
    const whole = join(scratch, 'root');
    await mkdir(whole);
    await downloadPackages(scratch);
    for (const file of await readdir(scratch))
      if (file.endsWith('.deb')) await Bun.$`dpkg-deb -x ${join(scratch, file)} ${whole}`.quiet();
    for (const program of PROGRAMS) {
      await take(whole, root, program);
      for (const library of await librariesOf(whole, program)) await take(whole, root, library);
    }
    await take(whole, root, '/lib64/ld-linux-x86-64.so.2').catch(() => undefined); // of this architecture only
    // Its texts are a link to a package that is not needed.
    await mkdir(join(root, 'usr/share'), { recursive: true });
    await Bun.$`cp -a ${join(whole, 'usr/share/squid')} ${join(root, 'usr/share/')}`.quiet();
    await mkdir(join(root, 'etc/squid'), { recursive: true });
    await cp(join(whole, 'etc/squid/errorpage.css'), join(root, 'etc/squid/errorpage.css'));
    for (const folder of ['run', 'tmp', 'var/log/squid', 'var/spool/squid', 'var/lib/misc']) {
      await mkdir(join(root, folder), { recursive: true, mode: 0o777 });
      await chown(join(root, folder), SQUID_USER, SQUID_USER);
    }
    const users = 'root:x:0:0::/:/\nproxy:x:13:13::/:/\nnobody:x:65534:65534::/:/\n';
    await Bun.write(join(root, 'etc/passwd'), users);
    await Bun.write(join(root, 'etc/group'), 'root:x:0:\nproxy:x:13:\nnogroup:x:65534:\n');
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** With all that they depend on. */
async function downloadPackages(folder: string): Promise<void> {
  const direct = ['--no-recommends', '--no-suggests', '--no-conflicts', '--no-breaks', '--no-replaces'];
  const listed = await Bun.$`apt-cache depends --recurse ${direct} --no-enhances ${PACKAGES}`.quiet().text();
  const names = new Set(listed.split('\n').filter((line) => /^(?:lib|squid|dnsmasq-base)/.test(line)));
  const ours = [...names].filter((name) => !/perl|python|langpack/.test(name) && !name.includes(':'));
  await Bun.$`apt-get download ${ours}`.cwd(folder).quiet();
}

async function librariesOf(root: string, program: string): Promise<readonly string[]> {
  const [loader] = (await readdir(join(root, 'lib64')).catch(() => [])).filter((name) =>
    name.startsWith('ld-'),
  );
  const folders = (await Bun.$`find ${root} -type d -name "*-linux-gnu"`.quiet().text()).trim().split('\n');
  const path = folders.filter((folder) => /\/lib\/[^/]+$/.test(folder)).join(':');
  const listed =
    await Bun.$`${join(root, 'lib64', loader ?? '')} --list --library-path ${path} ${join(root, program)}`
      .quiet()
      .text();
  return [...listed.matchAll(/=> (\S+) \(0x/g)].map(([, library = '']) => library.slice(root.length));
}

async function take(from: string, to: string, path: string): Promise<void> {
  await mkdir(dirname(join(to, path)), { recursive: true });
  await cp(await realpath(join(from, path)), join(to, path));
}
