import { expect, test } from 'bun:test';
import { createAsk } from './ask.ts';

function terminalWith(answers: readonly string[]) {
  const left = [...answers];
  let shown = '';
  const input = {
    readLine: async () => left.shift(),
    readHidden: async ({ ask }: { ask: () => void }) => {
      ask();
      return left.shift();
    },
  };
  const out = (text: string) => {
    shown += text;
  };
  const terminal = { stdinIsTty: true, stdoutIsTty: true, out };
  const signal = new AbortController().signal;
  const ask = createAsk({ terminal, input, env: {}, signal } as unknown as Parameters<typeof createAsk>[0]);
  return { ask, shown: () => shown };
}

const question = { kind: 'environment variable', name: 'KEY', description: 'of yours', choices: [] } as const;

test('a value is asked for with what the registry says of it', async () => {
  const { ask, shown } = terminalWith(['a value ']);
  expect(await ask?.({ ...question, secret: false, choices: ['a', 'b'] })).toBe('a value');
  expect(shown()).toBe('Required environment variable: KEY (of yours)\nOne of: a, b\nEnter value for KEY: ');
});

test('what a registry says of a value does not steer the terminal', async () => {
  const { ask, shown } = terminalWith(['x']);
  await ask?.({ ...question, description: 'red\u001b[31m\r\nline', secret: true });
  expect(shown()).toBe(
    'Required secret environment variable: KEY (red [31m  line)\nEnter value for KEY (input will be hidden): \n',
  );
});
