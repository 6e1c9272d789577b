import { expect, test } from 'bun:test';
import { engineMessage } from './engine-message.ts';

test.each([
  ['Docker', '{"message":"No such container: x"}\n', 'No such container: x'],
  ['Podman', '{"cause":"no such container","message":"no container x","response":404}', 'no container x'],
  ['plain text', 'page not found\n', 'page not found'],
  ['nothing', '', 'the engine answered with status 500'],
  ['an empty message', '{"message":""}', 'the engine answered with status 500'],
  ['JSON of another shape', '{"error":"x"}', '{"error":"x"}'],
  ['a message that is no text', '{"message":1}', '{"message":1}'],
  [
    'an echo of one part',
    '{"message":"reading: manifest unknown: manifest unknown"}',
    'reading: manifest unknown',
  ],
  ['an echo of two parts', '{"message":"no such image: x: No such image: x"}', 'no such image: x'],
  ['parts that are alike but not next to each other', '{"message":"a: b: a"}', 'a: b: a'],
])('%s', (_name, body, expected) => {
  expect(engineMessage(body, 500)).toBe(expected);
});
