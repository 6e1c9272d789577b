import { expect, test } from 'bun:test';
import { openNetworkHint, sandboxHint } from './install-hint.ts';

test.each([
  ['Debian', 'ID=debian\n', 'apt install bubblewrap'],
  ['Fedora', 'NAME="Fedora Linux"\nID=fedora\n', 'dnf install bubblewrap'],
  ['openSUSE', 'ID="opensuse-tumbleweed"\nID_LIKE="opensuse suse"\n', 'zypper install bubblewrap'],
  ['a derivative', 'ID=zorin\nID_LIKE="ubuntu debian"\n', 'apt install bubblewrap'],
  ['one nobody knows', 'ID=mine\n', 'the package is called bubblewrap'],
  ['a machine without the file', '', 'the package is called bubblewrap'],
])('%s is told what to install', (_, osRelease, expected) => {
  const hint = sandboxHint({ platform: 'linux', osRelease, hasBubblewrap: false });
  expect(hint).toContain(expected);
  expect(hint).toContain('--no-sandbox');
});

test('Windows is told what there is instead', () => {
  const hint = sandboxHint({ platform: 'win32', osRelease: '', hasBubblewrap: false });
  expect(hint).toContain('run it in a container');
});

test('who has bubblewrap is told what it may have been refused', () => {
  const hint = sandboxHint({ platform: 'linux', osRelease: 'ID=ubuntu\n', hasBubblewrap: true });
  expect(hint).toContain('kernel.apparmor_restrict_unprivileged_userns=0');
  expect(hint).not.toContain('apt install');
});

test.each([
  ['ID=debian\n', 'apt install passt'],
  ['ID=gentoo\n', 'emerge net-misc/passt'],
  ['', 'the package is called passt in most distributions'],
])('a machine whose own services are open is told what closes them: %p', (osRelease, install) => {
  expect(openNetworkHint(osRelease)).toBe(
    `install passt (${install}) to keep them out of reach, or give a permission profile that lists hosts`,
  );
});
