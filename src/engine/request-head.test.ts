import { expect, test } from 'bun:test';
import { formatRequestHead } from './request-head.ts';

test('formatRequestHead keeps the order of headers and ends with an empty line', () => {
  expect(formatRequestHead('POST', '/v1.41/x?y=', { Connection: 'Upgrade', Upgrade: 'tcp' })).toBe(
    'POST /v1.41/x?y= HTTP/1.1\r\nHost: engine\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n',
  );
});
