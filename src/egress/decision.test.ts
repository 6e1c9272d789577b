import { expect, test } from 'bun:test';
import { type Decision, missingEntries } from './decision.ts';

const refused = (host: string, port: number, rule: Decision['rule'] = 'not-listed'): Decision => ({
  at: 0,
  protocol: 'connect',
  host,
  port,
  verdict: 'refused',
  rule,
});

const ROWS = [
  ['a host', ['a.test'], [], refused('b.test', 443), { allow_host: ['b.test'] }],
  ['a port', ['a.test'], [443], refused('a.test', 80), { allow_port: [80] }],
  ['host and port', ['a.test'], [443], refused('b.test', 80), { allow_host: ['b.test'], allow_port: [80] }],
  ['a port, with any host', [], [443], refused('b.test', 80), { allow_port: [80] }],
  ['a name without a port', ['a.test'], [443], refused('b.test', 0), { allow_host: ['b.test'] }],
  [
    'a name of a private network that a wildcard matches',
    ['.corp'],
    [],
    refused('wiki.corp', 443, 'private-address'),
    { allow_host: ['wiki.corp'] },
  ],
] as const;

test.each(ROWS)('what a profile lacks: %s', (_, hosts, ports, decision, expected) => {
  expect(missingEntries({ hosts, ports }, decision)).toEqual(expected);
});
