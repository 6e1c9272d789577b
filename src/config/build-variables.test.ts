import { describe, expect, test } from 'bun:test';
import {
  type BuildVariable,
  buildVariableNameProblem,
  buildVariables,
  buildVariableValueProblem,
  withBuildVariable,
  withoutBuildVariables,
} from './build-variables.ts';
import { checkApplicationConfig } from './schema.ts';

const EMPTY = checkApplicationConfig({}, 'config.yaml');
const FULL = checkApplicationConfig(
  { build_env: { B: '2' }, build_env_from_secrets: { C: 's' }, build_env_from_shell: ['A'] },
  'config.yaml',
);
const literal: BuildVariable = { source: 'literal', value: '1' };
const secret: BuildVariable = { source: 'secret', secret: 's' };
const shell: BuildVariable = { source: 'shell' };

describe('names', () => {
  test.each(['A', 'A_1', 'NPM_CONFIG_REGISTRY', 'PATH_'])('%s', (name) => {
    expect(buildVariableNameProblem(name)).toBeUndefined();
  });

  test.each(['', 'a', '_A', '1A', 'A-B', 'A B', 'Ä', 'A\n'])('%j is refused', (name) => {
    expect(buildVariableNameProblem(name)).toBe(
      `invalid environment variable name: ${name} (must match pattern ^[A-Z][A-Z0-9_]*$)`,
    );
  });

  test.each(['PATH', 'LD_PRELOAD', 'LC_ALL'])('%s is reserved', (name) => {
    expect(buildVariableNameProblem(name)).toBe(
      `environment variable name ${name} is reserved and cannot be overridden`,
    );
  });
});

describe('values', () => {
  test.each(['', 'a b', "it's", '$HOME', 'https://u:p@h/?a=1&b=2#x', 'ä'])('%j', (value) => {
    expect(buildVariableValueProblem(value)).toBeUndefined();
  });

  test.each([
    ['a`b', '`'],
    ['$(a)', '$('],
    ['${a}', '${'],
    ['a\\b', '\\'],
    ['a\nb', '\n'],
    ['a\rb', '\r'],
    ['a"b', '"'],
    ['a;b', ';'],
    ['a&&b', '&&'],
    ['a||b', '||'],
    ['a|b', '|'],
    ['a>b', '>'],
    ['a<b', '<'],
  ])('%j is refused for %j', (value, part) => {
    expect(buildVariableValueProblem(value)).toBe(
      `environment variable value contains potentially dangerous characters: contains '${part}'`,
    );
  });
});

describe('sources', () => {
  test('each has its own place in the file', () => {
    const all = [
      ['B', { source: 'literal', value: '2' }],
      ['C', secret],
      ['A', shell],
    ] as const;
    const config = all.reduce((before, [name, variable]) => withBuildVariable(before, name, variable), EMPTY);
    expect(config).toEqual(FULL);
    expect([...buildVariables(config).keys()]).toEqual(['A', 'B', 'C']);
  });

  test.each([
    ['A', literal, 'key A already configured from shell; unset it first'],
    ['A', secret, 'key A already configured from shell; unset it first'],
    [
      'B',
      literal,
      "key B already configured as literal value; unset it first with 'thv config unset-build-env B'",
    ],
    [
      'B',
      shell,
      "key B already configured as literal value; unset it first with 'thv config unset-build-env B'",
    ],
    ['C', secret, 'key C already configured from secret; unset it first'],
    ['C', shell, 'key C already configured from secret; unset it first'],
  ])('%s is not set again from %j', (name, variable, problem) => {
    expect(() => withBuildVariable(FULL, name, variable)).toThrow(problem);
  });

  test('the shell may be named again', () => {
    expect(withBuildVariable(FULL, 'A', shell)).toEqual(FULL);
  });

  test('what is removed leaves no empty block behind', () => {
    expect(withoutBuildVariables(FULL, 'A')).toEqual({ ...FULL, build_env_from_shell: undefined });
    expect(buildVariables(withoutBuildVariables(FULL)).size).toBe(0);
    expect(withoutBuildVariables(FULL)).toEqual({
      ...FULL,
      build_env: undefined,
      build_env_from_secrets: undefined,
      build_env_from_shell: undefined,
    });
  });
});
