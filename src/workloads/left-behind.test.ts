import { expect, test } from 'bun:test';
import { mkdirSync, mkdtempSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { resolvePaths, silentLogger } from '../platform/index.ts';
import { parseRunConfig, parseWorkloadName } from '../records/index.ts';
import { createContext } from './context.ts';
import { leftBehind } from './left-behind.ts';

const name = parseWorkloadName('aa');
const STATE = [
  'runconfigs/aa.json',
  'host/sessions/aa.jsonl',
  'host/sessions/aa.jsonl.tmp',
  'host/serving/aa.json',
  'host/engines/aa.json',
  'host/ended/aa.json',
  'host/desired/aa.json',
  'overlays/aa/empty-file',
];
const LOGS = ['logs/aa.log', 'logs/aa.log.1', 'logs/aa.log.2'];
const DATA = ['processes/aa/output.log', 'processes/aa/work/deep/file', ...LOGS];

function freshWorld() {
  const home = mkdtempSync(join(tmpdir(), 'thv-left-'));
  const env = { HOME: home };
  const temporary = mkdtempSync(join(tmpdir(), 'thv-left-temporary-'));
  const paths = { ...resolvePaths(env), temporary };
  const profile = join(temporary, 'toolhive-aa-permissions-1.json');
  const ofOthers = [join(paths.state, 'runconfigs/aab.json'), join(paths.data, 'logs/aab.log')];
  const own = [
    ...STATE.map((file) => join(paths.state, file)),
    ...DATA.map((file) => join(paths.data, file)),
    profile,
  ];
  for (const file of [...own, ...ofOthers]) {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, '');
  }
  const context = createContext({
    env,
    paths,
    logger: silentLogger,
    version: '0',
    platform: 'linux/amd64',
    builtAt: '2020-01-01T00:00:00Z',
  });
  const config = parseRunConfig(
    JSON.stringify({ name, transport: 'stdio', permission_profile_name_or_path: profile }),
  );
  const remaining = () =>
    [home, temporary]
      .flatMap((folder) =>
        readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((file) => join(folder, file)),
      )
      .filter((file) => statSync(file).isFile() && !file.endsWith('.lock'))
      .sort();
  return { context, config, paths, profile, ofOthers, remaining };
}

test('all files of a workload are on the list, and none of another one', async () => {
  const { context, config, ofOthers, remaining } = freshWorld();
  for (const { remove } of leftBehind(context, name, config, { keep: [] })) await remove();
  expect(remaining()).toEqual(ofOthers.toSorted());
});

test('a run that is taken back leaves its logs and the profile that it was given', async () => {
  const { context, config, paths, profile, ofOthers, remaining } = freshWorld();
  for (const { remove } of leftBehind(context, name, config, { keep: ['logs', 'profile'] })) await remove();
  const logs = LOGS.map((file) => join(paths.data, file));
  expect(remaining()).toEqual([...ofOthers, ...logs, profile].toSorted());
});

test('what is left can be removed once more, because the document goes last', () => {
  const { context, config } = freshWorld();
  const list = leftBehind(context, name, config, { keep: [] }).map(({ what }) => what);
  expect(list.at(-1)).toBe('its run configuration');
});

test('a permission profile of the user stays', async () => {
  const { context, config, profile, ofOthers, remaining } = freshWorld();
  const own = `${profile}.mine`;
  writeFileSync(own, '');
  const changed = { ...config, permission_profile_name_or_path: own };
  for (const { remove } of leftBehind(context, name, changed, { keep: [] })) await remove();
  expect(remaining()).toEqual([...ofOthers, profile, own].toSorted());
});
