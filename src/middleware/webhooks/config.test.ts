import { describe, expect, test } from 'bun:test';
import * as v from 'valibot';
import { signatureOf } from './ask.ts';
import {
  checkWebhooks,
  type GivenWebhooks,
  mergeWebhooks,
  storedWebhook,
  WebhookFileSchema,
} from './config.ts';

const GOOD = { name: 'a', url: 'https://hook.example/x', failure_policy: 'fail' };
const given = (...validating: object[]): GivenWebhooks => v.parse(WebhookFileSchema, { validating });

describe('webhooks', () => {
  test.each<[string, object, string]>([
    ['no name', { ...GOOD, name: '' }, '"": webhook name is required'],
    ['no URL', { ...GOOD, url: '' }, '"a": webhook URL is required'],
    [
      'plain HTTP',
      { ...GOOD, url: 'http://127.0.0.1/' },
      '"a": webhook URL must use HTTPS (set insecure_skip_verify to allow HTTP for development/in-cluster use)',
    ],
    ['a login', { ...GOOD, url: 'https://u:p@hook.example/' }, '"a": webhook URL must not hold a login'],
    [
      'another policy',
      { ...GOOD, failure_policy: 'x' },
      '"a": webhook failure_policy must be "fail" or "ignore", got "x"',
    ],
    [
      'no policy',
      { ...GOOD, failure_policy: undefined },
      '"a": webhook failure_policy must be "fail" or "ignore", got ""',
    ],
    ['too long a timeout', { ...GOOD, timeout: '31s' }, '"a": webhook timeout 31s exceeds maximum 30s'],
    [
      'too short a timeout',
      { ...GOOD, timeout: 500_000_000 },
      '"a": webhook timeout must be between 1s and 30s',
    ],
    ['no duration', { ...GOOD, timeout: '5' }, '"a": time: missing unit in duration "5"'],
    [
      'half a certificate',
      { ...GOOD, tls_config: { client_cert_path: '/dev/null' } },
      '"a": both client_cert_path and client_key_path must be provided for mTLS',
    ],
    [
      'a missing file',
      { ...GOOD, tls_config: { ca_bundle_path: '/nowhere' } },
      '"a": ca_bundle_path "/nowhere" not found',
    ],
  ])('with %s are refused', (_, webhook, problem) => {
    expect(() => checkWebhooks(given(webhook))).toThrow(
      `invalid webhook configuration: validating webhook[0] ${problem}`,
    );
  });

  test('are refused with all that is wrong', () => {
    expect(() => checkWebhooks(given({ ...GOOD, name: '' }, { ...GOOD, url: '' }))).toThrow(
      'invalid webhook configuration: validating webhook[0] "": webhook name is required; validating webhook[1] "a": webhook URL is required',
    );
  });

  test('of several files: a later one takes the place of an earlier one, new ones come last', () => {
    const names = (files: readonly GivenWebhooks[]) =>
      mergeWebhooks(files).validating.map(({ name, url }) => [name, url]);
    expect(
      names([
        given({ ...GOOD, name: 'a' }, { ...GOOD, name: 'b' }),
        given({ ...GOOD, name: 'c' }, { ...GOOD, name: 'a', url: 'https://new.example/' }),
      ]),
    ).toEqual([
      ['a', 'https://new.example/'],
      ['b', GOOD.url],
      ['c', GOOD.url],
    ]);
  });

  test('are stored with nanoseconds, and read again the same', () => {
    const [webhook] = checkWebhooks(given({ ...GOOD, timeout: '5s', hmac_secret_ref: 's' })).validating;
    if (webhook === undefined) throw new Error('none');
    const stored = storedWebhook(webhook);
    expect(stored).toEqual({ ...GOOD, timeout: 5_000_000_000, hmac_secret_ref: 's' });
    expect(checkWebhooks(given(stored)).validating).toEqual([webhook]);
  });
});

test('a body is signed as spec 05 §17.2 has it', () => {
  expect(signatureOf('{"version":"v0.1.0","uid":"u1"}', 'topsecret', 1_700_000_000_123)).toEqual({
    'X-ToolHive-Timestamp': '1700000000',
    'X-ToolHive-Signature': 'sha256=96ea8a49644929bf0334e97c623058fbd2044dea68425e10d2b118c8eb19a4c4',
  });
  expect(signatureOf('x', undefined, 0)).toEqual({});
});
