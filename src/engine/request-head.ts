/** The bytes of a request head, ready to be written; `headers` in the order given. */
export function formatRequestHead(
  method: string,
  target: string,
  headers: Readonly<Record<string, string>>,
): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  return [`${method} ${target} HTTP/1.1`, 'Host: engine', ...lines, '', ''].join('\r\n');
}
