import { describe, expect, test } from 'bun:test';
import { classifyEra, type EraFacts, isKnownVersion } from './index.ts';

const V = 'io.modelcontextprotocol/protocolVersion';
const I = 'io.modelcontextprotocol/clientInfo';
const C = 'io.modelcontextprotocol/clientCapabilities';
const MODERN = '2026-07-28';
const meta = { [V]: MODERN, [C]: {} };

const legacy = { era: 'legacy' } as const;
const modern = { era: 'modern', version: MODERN } as const;
const mismatch = (header: string, body: string) => ({
  era: 'rejected',
  code: -32020,
  message: `MCP-Protocol-Version header "${header}" does not match _meta protocol version "${body}"`,
  data: { header, body },
});
const noCapabilities = {
  era: 'rejected',
  code: -32021,
  message: `request _meta is missing required client capabilities: ${C}`,
  data: { requiredCapabilities: {} },
};
const unsupported = (requested: string) => ({
  era: 'rejected',
  code: -32022,
  message: `unsupported MCP protocol version "${requested}" (supported: [2026-07-28])`,
  data: { supported: ['2026-07-28'], requested },
});
const noVersion = {
  era: 'rejected',
  code: -32602,
  message: 'request carries a Modern signal but no valid io.modelcontextprotocol/protocolVersion in _meta',
};

type Row = readonly [string, Partial<EraFacts>, object];

const rows: readonly Row[] = [
  ['1: initialize is legacy, whatever it carries', { method: 'initialize', meta, header: MODERN }, legacy],
  ['2: neither header nor _meta', {}, legacy],
  ['2: an empty header', { header: '' }, legacy],
  ['2: a header of another version is no signal', { header: '2099-01-01' }, legacy],
  ['2: the log level is no signal', { meta: { 'io.modelcontextprotocol/logLevel': 'info' } }, legacy],
  ['2: a progress token is no signal', { meta: { progressToken: 1 } }, legacy],
  ['2: _meta that is an array counts as absent', { meta: [V] }, legacy],
  ['2: _meta that is text counts as absent', { meta: V }, legacy],
  ['2: _meta that is null counts as absent', { meta: null }, legacy],
  ['2: a name on the prototype is no signal', { meta: Object.create(meta) }, legacy],
  ['3: client info beside an old header', { meta: { [I]: {} }, header: '2025-11-25' }, legacy],
  ['3: an empty version beside an old header', { meta: { [V]: '' }, header: '2025-11-25' }, legacy],
  ['3: an unknown header is believed', { meta: { [C]: {} }, header: 'nonsense' }, legacy],
  ['3: the header alone', { header: MODERN }, mismatch(MODERN, '')],
  [
    '3: the header with a version of another kind',
    { meta: { [V]: 1 }, header: MODERN },
    mismatch(MODERN, ''),
  ],
  ['3: client info alone', { meta: { [I]: null } }, noVersion],
  ['3: capabilities alone', { meta: { [C]: {} } }, noVersion],
  ['3: a version that is null', { meta: { [V]: null } }, noVersion],
  ['3: an empty version, empty header', { meta: { [V]: '' }, header: '' }, noVersion],
  ['4: a future version', { meta: { ...meta, [V]: '2099-01-01' } }, unsupported('2099-01-01')],
  [
    '4: an old version',
    { meta: { ...meta, [V]: '2025-11-25' }, header: '2025-11-25' },
    unsupported('2025-11-25'),
  ],
  ['4: comes before 5', { meta: { ...meta, [V]: '2099-01-01' }, header: MODERN }, unsupported('2099-01-01')],
  ['5: another version in the header', { meta, header: '2025-11-25' }, mismatch('2025-11-25', MODERN)],
  ['5: comes before 6', { meta: { [V]: MODERN }, header: 'x' }, mismatch('x', MODERN)],
  ['6: no capabilities', { meta: { [V]: MODERN }, header: MODERN }, noCapabilities],
  ['6: capabilities that are an array', { meta: { [V]: MODERN, [C]: [] } }, noCapabilities],
  ['6: capabilities that are null', { meta: { [V]: MODERN, [C]: null } }, noCapabilities],
  ['7: all of it', { meta, header: MODERN }, modern],
  ['7: without the header', { meta }, modern],
];

describe('classification of a request (spec 04 §7.1)', () => {
  test.each([...rows])('§7.1-%s', (_, facts, expected) => {
    expect(classifyEra({ method: 'tools/call', meta: undefined, header: undefined, ...facts })).toEqual(
      expected as never,
    );
  });

  test('§19.3 an unsupported version is told all that is served', () => {
    const facts = { method: 'x', meta: { [V]: 'y' }, header: null, supported: [MODERN, '2025-11-25'] };
    expect(classifyEra(facts)).toEqual({
      era: 'rejected',
      code: -32022,
      message: 'unsupported MCP protocol version "y" (supported: [2026-07-28 2025-11-25])',
      data: { supported: [MODERN, '2025-11-25'], requested: 'y' },
    });
  });

  test('§6.2-1 strict validation knows five versions', () => {
    const known = ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25', '2026-07-28'];
    expect(known.every(isKnownVersion)).toBe(true);
    expect(['2025-06-19', '2024-10-07', ' 2025-06-18', 'x'].some(isKnownVersion)).toBe(false);
  });
});
