/** Why a URL cannot be that of a remote server, without what may be secret in it; `undefined` for a sound one. */
export function remoteUrlProblem(text: string): string | undefined {
  const shown = text.replace(/\/\/[^/?#]*@/, '//').replace(/[?#].*$/s, '');
  if (/^https?:\/\/(?:[^/?#@]*@)?(?:[/?#:]|$)/i.test(text))
    return `could not extract hostname from URL: ${shown}`;
  if (!/^https?:\/\//i.test(text) || !URL.canParse(text)) return `invalid remote URL: ${shown}`;
  const { username, password } = new URL(text);
  return username === '' && password === ''
    ? undefined
    : `invalid remote URL: ${shown}: a user name or password does not belong in it; use --remote-forward-headers-secret Authorization=SECRET`;
}
