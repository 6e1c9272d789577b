/** True for a word that can only mean a folder or file here: `.`, `..`, or one that begins like a path. */
export function isFolderPath(text: string, platform: NodeJS.Platform = process.platform): boolean {
  if (/^\.{0,2}\/|^\.{1,2}$/.test(text)) return true;
  return platform === 'win32' && /^\.{1,2}\\|^\\\\|^[A-Za-z]:[\\/]/.test(text);
}
