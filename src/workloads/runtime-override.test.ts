import { expect, test } from 'bun:test';
import { runtimeOverride } from './runtime-override.ts';

test('what says nothing is left out, the rest is trimmed', () => {
  expect(
    runtimeOverride({
      builder_image: ' node:22 ',
      additional_packages: ['curl', ' ', ' git '],
      build_with: null,
      runtime_env: { LOG_LEVEL: ' debug ' },
    }),
  ).toEqual({
    builder_image: 'node:22',
    additional_packages: ['curl', 'git'],
    runtime_env: { LOG_LEVEL: ' debug ' },
  });
});

test.each([
  [undefined],
  [null],
  [{}],
  [{ builder_image: ' ', additional_packages: [''], build_with: [], runtime_env: {} }],
])('%j asks for nothing', (given) => expect(runtimeOverride(given)).toBeUndefined());
