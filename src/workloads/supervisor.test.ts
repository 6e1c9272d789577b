import { expect, test } from 'bun:test';
import { parseWorkloadName } from '../records/index.ts';
import { kindOf } from './supervisor.ts';

const rows: readonly (readonly [string, string])[] = [
  ['/usr/local/bin/thv host', 'host'],
  ['/usr/local/bin/thv host --debug', 'host'],
  ['/opt/tools/my-own-name host', 'host'],
  ['thv start fetch --foreground', 'dedicated'],
  ['thv restart fetch --foreground', 'dedicated'],
  ['"C:\\Program Files\\ToolHive\\thv.exe" start fetch --foreground', 'dedicated'],
  ['./thv-linux-amd64 start fetch --foreground --debug', 'dedicated'],
  ['thv start -f fetch', 'dedicated'],
  ['thv --debug start --foreground fetch', 'dedicated'],
  ['thv start fetch2 --foreground', 'none'],
  ['thv run -f fetch', 'dedicated'],
  ['thv run fetch --name x --foreground', 'dedicated'],
  ['thv run my-fetch --env-file a', 'none'],
  ['thv list', 'none'],
  ['/opt/tools/my-own-name start fetch --foreground', 'dedicated'],
  ['/opt/tools/another-name start fetch --foreground', 'none'],
  ['docker run --network host x', 'none'],
  ['docker run --rm -f x', 'none'],
  ['npm run build --foreground', 'none'],
  ['systemctl start fetch', 'none'],
  ['', 'none'],
];

test.each(rows)('%s is to the workload fetch: %s', (commandLine, kind) => {
  expect(kindOf(commandLine, parseWorkloadName('fetch'), ['/opt/tools/my-own-name'])).toBe(kind as never);
});
