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
  const session = table.create('streamable-http', '{"initialize":1}');
  session.level = 'info';
  session.subscriptions.add('a:b');
  for (let round = 0; round < 5000; round += 1) {
    pass(500);
    expect(table.find(session.id)).toBe(session);
  }
  expect(replacedTimes()).toBeGreaterThan(0);
  expect(records().length).toBeLessThan(2000);
  const restored = reopen().find(session.id);
  expect(restored).toMatchObject({ initialize: '{"initialize":1}', level: 'info' });
  expect([...(restored?.subscriptions ?? [])]).toEqual(['a:b']);
  expect(records()).toContainEqual({ type: 'initialized', identity: 'p' });
});

test('a session of the SSE transport leaves no trace in the journal', () => {
  const { table, records } = open();
  table.end(table.create('sse', ''));
  expect(records()).toEqual([]);
});

test('the one that was idle longest makes room for a new one', () => {
  const { table, ended, pass } = open([], 2);
  const [first, second] = [table.create('streamable-http', ''), table.create('streamable-http', '')];
  pass(10);
  table.find(first.id);
  table.create('streamable-http', '');
  expect(ended).toEqual([second.id]);
  expect(table.size).toBe(2);
});

test('sweeping ends what is idle and does not count as use', () => {
  const { table, ended, pass } = open();
  const { id } = table.create('streamable-http', '');
  for (let round = 0; round < 3; round += 1) {
    pass(400);
    table.sweep();
  }
  expect(ended).toEqual([id]);
});
