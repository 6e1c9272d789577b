import { expect, test } from 'bun:test';
import { decodeFromMac, encodeForMac } from './system.ts';

test.each([
  ['as written now', 'go-keyring-base64:cMOkc3M=', 'päss'],
  ['as written by old versions', 'go-keyring-encoded:70c3a47373', 'päss'],
  ['as typed by hand', 'päss', 'päss'],
  ['a mark without anything', 'go-keyring-base64:', ''],
])("a password of the Mac's keychain %s", (_, stored, password) => {
  expect(decodeFromMac(stored)).toBe(password);
});

test.each(['', 'päss', 'go-keyring-base64:x', 'a\nb'])('%j is written so that it can be read', (password) => {
  expect(decodeFromMac(encodeForMac(password))).toBe(password);
});
