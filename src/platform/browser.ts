/** Shows a web page to the person; `false` when no browser could be started. The URL is never read by a shell. */
export async function openBrowser(
  url: string,
  platform: NodeJS.Platform = process.platform,
): Promise<boolean> {
  const [command, ...args] =
    platform === 'darwin'
      ? ['open', url]
      : platform === 'win32'
        ? ['rundll32', 'url.dll,FileProtocolHandler', url]
        : ['xdg-open', url];
  const path = Bun.which(command ?? '');
  if (path === null) return false;
  try {
    const child = Bun.spawn([path, ...args], {
      stdin: 'ignore',
      stdout: 'ignore',
      stderr: 'ignore',
      detached: true,
    });
    child.unref();
    // A starter that fails does so at once; one that is still there has become the browser.
    return (await Promise.race([child.exited, Bun.sleep(1000).then(() => 0)])) === 0;
  } catch {
    return false; // told to the person by the caller, with the URL to open by hand
  }
}
