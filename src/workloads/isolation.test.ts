import { expect, test } from 'bun:test';
import { createLogger } from '../platform/index.ts';
import { parseRunConfig } from '../records/index.ts';
import { reconcileIsolation, withReconciledIsolation } from './isolation.ts';

function listen() {
  const warnings: string[] = [];
  return { warnings, logger: createLogger({ level: 'WARN', write: (line) => void warnings.push(line) }) };
}

test.each<[mode: string, wanted: boolean, warned: boolean, refusal: string | undefined]>([
  ['', true, false, undefined],
  ['bridge', true, false, undefined],
  ['default', true, false, undefined],
  ['none', false, false, undefined],
  ['host', false, true, 'with the resolved network mode "host": '],
  ['container:x', false, true, 'with the resolved network mode "container:x": '],
  ['mine', false, true, 'with the resolved network mode "mine": '],
])('isolation beside the network mode %p', (mode, isolated, isWarned, refusal) => {
  const profile = { network: { mode } };
  const { warnings, logger } = listen();
  expect(reconcileIsolation('none', profile, logger)).toBe(false);
  expect(reconcileIsolation('wanted', profile, logger)).toBe(isolated);
  expect(warnings).toHaveLength(isWarned ? 1 : 0);
  if (isWarned) {
    expect(warnings[0]).toContain('network isolation is not enforced with host/custom networking');
    expect(warnings[0]).toContain('--isolate-network=false');
  }
  const required = () => reconcileIsolation('required', profile, logger);
  if (refusal === undefined) expect(required()).toBe(isolated);
  else expect(required).toThrow(`network isolation cannot be enforced ${refusal}`);
});

test.each<[what: string, document: object, isolated: boolean]>([
  ['a bridge keeps it', {}, true],
  ['host networking takes it away', { permission_profile: { network: { mode: 'host' } } }, false],
  [
    'a remote server keeps what its document says',
    { remote_url: 'https://a.example', permission_profile: { network: { mode: 'host' } } },
    true,
  ],
])('isolation of a document: %s', (_, document, isolated) => {
  const text = JSON.stringify({ image: 'img', transport: 'sse', isolate_network: true, ...document });
  const config = withReconciledIsolation(parseRunConfig(text), listen().logger);
  expect(config.isolate_network).toBe(isolated);
});
