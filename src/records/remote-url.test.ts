import { expect, test } from 'bun:test';
import { remoteUrlProblem } from './remote-url.ts';

test.each([
  ['https://mcp.example.com', undefined],
  ['HTTP://localhost:9000/mcp?toolsets=a,b', undefined],
  ['http://[::1]:8080/sse', undefined],
  ['https://', 'could not extract hostname from URL: https://'],
  ['https:///mcp', 'could not extract hostname from URL: https:///mcp'],
  ['http://:80/mcp?key=sesame', 'could not extract hostname from URL: http://:80/mcp'],
  ['https://a b/mcp', 'invalid remote URL: https://a b/mcp'],
  ['https://example.com:99999', 'invalid remote URL: https://example.com:99999'],
  ['ftp://example.com', 'invalid remote URL: ftp://example.com'],
  ['example.com', 'invalid remote URL: example.com'],
  [
    'https://me:sesame@example.com/mcp?k=sesame',
    'invalid remote URL: https://example.com/mcp: a user name or password does not belong in it; use --remote-forward-headers-secret Authorization=SECRET',
  ],
  ['https://me:sesame@/mcp', 'could not extract hostname from URL: https:///mcp'],
])('%s', (url, problem) => {
  expect(remoteUrlProblem(url)).toBe(problem);
});
