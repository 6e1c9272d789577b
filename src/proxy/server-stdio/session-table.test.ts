import { expect, test } from 'bun:test';
import type { SessionRecord } from '../types.ts';
import { createSessionTable } from './session-table.ts';

function open(loaded: readonly SessionRecord[] = [], maxSessions = 10) {
  let journal = [...loaded];
  let replaced = 0;
  const ended: string[] = [];
  let now = 1_000_000;
  const options = {
    journal: {
      load: () => journal,
      append: (record: SessionRecord) => {
        journal.push(record);
      },
      replace: (records: readonly SessionRecord[]) => {
        journal = [...records];
        replaced += 1;
      },
    },
    ttlMs: 1000,
    now: () => now,
    onEnd: ({ id }: { readonly id: string }) => {
      ended.push(id);
    },
    otherRecords: () => [{ type: 'initialized', identity: 'p' } as const],
    maxSessions,
  };
  const table = createSessionTable({ ...options, loaded });
  return {
    table,
    ended,
    records: () => journal,
    replacedTimes: () => replaced,
    reopen: () => createSessionTable({ ...options, loaded: journal }),
    pass: (ms: number) => {
      now += ms;
    },
  };
}

test('the journal does not grow with use, and loses nothing when it is compacted', () => {
  const { table, records, replacedTimes, reopen, pass } = open();
  const session = table.create('streamable-http', '{"initialize":1}', undefined);
  session.level = 'info';
  session.subscriptions.add('a:b');
  for (let round = 0; round < 5000; round += 1) {
    pass(500);
    expect(table.find(session.id, undefined)).toBe(session);
  }
  expect(replacedTimes()).toBeGreaterThan(0);
  expect(records().length).toBeLessThan(2000);
  const restored = reopen().find(session.id, undefined);
  expect(restored).toMatchObject({ initialize: '{"initialize":1}', level: 'info' });
  expect([...(restored?.subscriptions ?? [])]).toEqual(['a:b']);
  expect(records()).toContainEqual({ type: 'initialized', identity: 'p' });
});

test('a session of the SSE transport leaves no trace in the journal', () => {
  const { table, records } = open();
  table.end(table.create('sse', '', undefined));
  expect(records()).toEqual([]);
});

test('the one that was idle longest makes room for a new one', () => {
  const { table, ended, pass } = open([], 2);
  const [first, second] = [
    table.create('streamable-http', '', undefined),
    table.create('streamable-http', '', undefined),
  ];
  pass(10);
  table.find(first.id, undefined);
  table.create('streamable-http', '', undefined);
  expect(ended).toEqual([second.id]);
  expect(table.size).toBe(2);
});

test('sweeping ends what is idle and does not count as use', () => {
  const { table, ended, pass } = open();
  const { id } = table.create('streamable-http', '', undefined);
  for (let round = 0; round < 3; round += 1) {
    pass(400);
    table.sweep();
  }
  expect(ended).toEqual([id]);
});

test('a session is unknown to everybody but its owner, across a restart as well, and is not kept alive by others', () => {
  const { table, ended, records, reopen, pass } = open();
  const { id } = table.create('streamable-http', '', 'ann');
  const { id: free } = table.create('streamable-http', '', undefined);
  expect(records()[0]).toEqual({ type: 'session', id, at: 1_000_000, initialize: '', owner: 'ann' });
  for (const known of [table, reopen()]) {
    expect(known.find(id, 'ann')?.id).toBe(id);
    expect([known.find(id, 'bob'), known.find(id, undefined), known.find(free, 'ann')]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  }
  for (let round = 0; round < 3; round += 1) {
    pass(400);
    table.find(id, 'bob');
  }
  table.sweep();
  expect(ended).toContain(id);
});
