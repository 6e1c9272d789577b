import { expect, test } from 'bun:test';
import { keepSecret, ThvError } from '../errors/index.ts';
import { createLogger, type Logger } from './log.ts';

function lineOf(log: (logger: Logger) => void): Record<string, unknown> {
  const lines: string[] = [];
  log(createLogger({ write: (line) => lines.push(line) }));
  const { time: _, ...line } = JSON.parse(lines.join(''));
  return line;
}

const fault = () => new TypeError('x is not a function', { cause: new Error('why') });
const late = () => new ThvError('ERR_TIMEOUT', { reason: 'late' });

test('a fault of ours on the level ERROR has code, causes and stack', () => {
  const { stack, ...line } = lineOf((logger) => logger.error('failed', { workload: 'a', error: fault() }));
  expect(line).toEqual({
    level: 'ERROR',
    msg: 'failed',
    workload: 'a',
    error: 'x is not a function',
    code: 'ERR_INTERNAL',
    causes: ['Error: why'],
  });
  expect(stack).toContain(import.meta.file);
  expect(stack).toContain('caused by Error: why');
});

test.each([
  ['a fault that the program goes on after', (logger: Logger) => logger.warn('failed', { error: fault() })],
  ['what the world refuses', (logger: Logger) => logger.error('failed', { error: late() })],
])('%s is logged as its message', (_, log) => {
  expect(Object.keys(lineOf(log))).toEqual(['level', 'msg', 'error']);
});

test('secrets stay out of errors', () => {
  keepSecret('hunter2-log');
  const error = new Error('cannot use hunter2-log', { cause: new Error('hunter2-log') });
  expect(JSON.stringify(lineOf((logger) => logger.error('failed', { error })))).not.toContain('hunter2');
});
