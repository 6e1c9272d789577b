import { expect, test } from 'bun:test';
import { sandboxHint } from './install-hint.ts';

test.each([
  ['Debian', 'ID=debian\n', 'apt install bubblewrap'],
  ['Fedora', 'NAME="Fedora Linux"\nID=fedora\n', 'dnf install bubblewrap'],
  ['openSUSE', 'ID="opensuse-tumbleweed"\nID_LIKE="opensuse suse"\n', 'zypper install bubblewrap'],
  ['a derivative', 'ID=zorin\nID_LIKE="ubuntu debian"\n', 'apt install bubblewrap'],
  ['one nobody knows', 'ID=mine\n', 'the package is called bubblewrap'],
  ['a machine without the file', '', 'the package is called bubblewrap'],
])('%s is told what to install', (_, osRelease, expected) => {
  const hint = sandboxHint('linux', osRelease);
  expect(hint).toContain(expected);
  expect(hint).toContain('--no-sandbox');
});

test('Windows is told what there is instead', () => {
  expect(sandboxHint('win32', '')).toContain('run it in a container');
});
