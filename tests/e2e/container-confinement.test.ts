import { expect, test } from 'bun:test';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FIXTURE_IMAGE } from '../harness/images.ts';
import { onEachEngine } from '../harness/on-each-engine.ts';
import { runInside } from '../harness/run-inside.ts';
import { openWorld } from '../harness/world.ts';

/** Run by the Node of the container; what it prints is the last line. */
const ATTACK = `
const fs = require('node:fs');
const open = (path) => { try { fs.closeSync(fs.openSync(path, fs.constants.O_WRONLY)); return 'done'; } catch (error) { return error.code; } };
const empty = (path) => { try { return fs.statSync(path).isDirectory() ? fs.readdirSync(path).length === 0 : fs.readFileSync(path).length === 0; } catch { return true; } };
const status = fs.readFileSync('/proc/self/status', 'utf8');
console.log(JSON.stringify({
  settings: ['/proc/sys/vm/stat_interval', '/proc/sys/kernel/core_pattern', '/proc/sysrq-trigger', '/proc/irq/default_smp_affinity', '/sys/kernel/uevent_helper'].map(open),
  hidden: ['/proc/kcore', '/proc/keys', '/proc/timer_list', '/proc/scsi'].map(empty),
  devices: fs.readdirSync('/dev').sort().join(' '),
  capabilities: status.match(/^Cap(?:Prm|Eff|Bnd):\\s*0*[1-9a-f]/m) === null,
  privileges: /^NoNewPrivs:\\s*1$/m.test(status),
  calls: /^Seccomp:\\s*(\\d)$/m.exec(status)[1],
  processes: fs.readdirSync('/proc').filter((name) => /^\\d+$/.test(name)).length < 6,
  home: fs.existsSync(process.argv[1]),
}));`;

onEachEngine((engine) => {
  test('in a container nothing of the kernel can be set, and nothing of the machine seen', async () => {
    await using world = await openWorld(engine);
    await writeFile(join(world.home, 'secret'), 'not for you');
    const before = await readFile('/proc/sys/vm/stat_interval', 'utf8');
    const name = world.name('confined');
    await world.ok(['run', FIXTURE_IMAGE, '--name', name, '--transport', 'stdio', '--', 'echo']);
    await world.reached(name);
    const found = await runInside(engine, name, ['/bin/node', '-e', ATTACK, join(world.home, 'secret')]);
    const refused = expect.stringMatching(/^(?:EROFS|EACCES|EPERM|ENOENT)$/);
    expect(found).toEqual({
      settings: Array.from({ length: 5 }, () => refused),
      hidden: [true, true, true, true],
      devices: expect.stringMatching(
        /^(?:console )?(?:core )?fd full (?:mqueue )?null ptmx pts random shm stderr stdin stdout tty urandom zero$/,
      ),
      capabilities: true,
      privileges: true,
      calls: '2',
      processes: true,
      home: false,
    });
    expect(await readFile('/proc/sys/vm/stat_interval', 'utf8')).toBe(before);
  });
});
