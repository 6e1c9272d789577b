import { describe, expect, test } from 'bun:test';
import { appendFileSync, renameSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runInProcess } from './in-process.ts';

const SILENT = { exit: 0, stdout: '', stderr: '' };

describe('logs', () => {
  const bytes = (text: string) => new TextEncoder().encode(text);
  async function* output() {
    yield { stream: 'stdout', bytes: bytes('out\n') } as const;
    yield { stream: 'stderr', bytes: bytes('err\n') } as const;
  }

  test('are merged, and kept apart while followed', async () => {
    const workloads = { logs: output };
    expect(await runInProcess(['logs', 'a'], { workloads })).toEqual({ ...SILENT, stdout: 'out\nerr\n' });
    expect(await runInProcess(['logs', 'a', '-f'], { workloads })).toEqual({
      exit: 0,
      stdout: 'out\n',
      stderr: 'err\n',
    });
  });

  test('--proxy prints the file; a missing one is told of, exit 0', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'thv-logs-'));
    const path = join(folder, 'a.log');
    const workloads = { proxyLogPath: () => path };
    expect(await runInProcess(['logs', 'a', '--proxy'], { workloads })).toEqual({
      ...SILENT,
      stderr: `no proxy log found for workload a (${path})\n`,
    });
    writeFileSync(path, 'one\ntwo\n');
    expect(await runInProcess(['logs', 'a', '-p'], { workloads })).toEqual({
      ...SILENT,
      stdout: 'one\ntwo\n',
    });
    await rm(folder, { recursive: true });
  });

  test('--proxy --follow waits for the file and survives its rotation', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'thv-logs-'));
    const path = join(folder, 'a.log');
    const controller = new AbortController();
    const workloads = { proxyLogPath: () => path };
    const following = runInProcess(['logs', 'a', '-fp'], {
      workloads,
      signal: controller.signal,
      onStdout(stdout) {
        if (stdout === 'one\n') {
          appendFileSync(path, 'two\n');
          renameSync(path, `${path}.1`);
          writeFileSync(path, 'three\n');
        }
        if (stdout.endsWith('three\n')) controller.abort();
      },
    });
    writeFileSync(path, 'one\n');
    expect(await following).toEqual({ ...SILENT, stdout: 'one\ntwo\nthree\n' });
    await rm(folder, { recursive: true });
  });

  const nothing = { folderExists: true, logFiles: 1, removed: [], failed: [] };
  test.each([
    [
      'removed files',
      { ...nothing, removed: ['/l/a.log', '/l/b.log'] },
      0,
      'Removed: /l/a.log\nRemoved: /l/b.log\n',
      '',
    ],
    ['no orphans', nothing, 0, 'No orphaned log files found to prune\n', ''],
    ['no files', { ...nothing, logFiles: 0 }, 0, 'No log files found\n', ''],
    [
      'no folder',
      { ...nothing, folderExists: false, logFiles: 0 },
      0,
      'No logs directory found, nothing to prune\n',
      '',
    ],
    [
      'a failure',
      { ...nothing, failed: [{ path: '/l/a.log', error: new Error('EACCES') }] },
      1,
      '',
      'Error: failed to remove /l/a.log: EACCES\n',
    ],
  ])('prune: %s', async (_sentence, pruned, exit, stdout, stderr) => {
    const workloads = { pruneLogs: async () => pruned };
    expect(await runInProcess(['logs', 'prune'], { workloads })).toEqual({ exit, stdout, stderr });
    expect(await runInProcess(['logs', '--', 'prune'], { workloads })).toEqual({ exit, stdout, stderr });
  });
});
