import * as v from 'valibot';
import { formatDuration } from '../platform/index.ts';
import type { Command, CommandInfo } from './command.ts';
import type { Flag, FlagSet } from './flag.ts';
import { GLOBAL_FLAGS, helpFlag } from './global-flags.ts';

interface Described {
  /** Full name, for example `thv mcp list`. */
  readonly path: string;
  readonly command: Command;
  readonly info: CommandInfo | undefined;
}

/** The help of a command: its long text, then its usage (spec 01 §1.5). */
export function renderHelp(described: Described): string {
  return `${described.command.long.trim()}\n\n${renderUsage(described)}`;
}

export function renderUsage({ path, command, info }: Described): string {
  const { definition, subCommands = {} } = command;
  const name = path.split(' ').at(-1) ?? path;
  const visible = Object.entries(subCommands).filter(([, entry]) => entry.info.hidden !== true);
  const isRoot = info === undefined;
  const own = { ...definition?.flags, ...(isRoot ? GLOBAL_FLAGS : {}), help: helpFlag(name) };
  const usage = [
    ...(definition === undefined ? [] : [`  ${`${path} ${definition.usage}`.trimEnd()}`]),
    ...(visible.length === 0 ? [] : [`  ${path} [command]`]),
  ];
  const width = Math.max(...visible.map(([subCommand]) => subCommand.length), 0);
  const commands = visible
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .map(([subCommand, entry]) => `  ${subCommand.padEnd(width)}   ${entry.info.description}`);
  const sections = [
    section('Usage:', usage),
    section('Aliases:', info?.alias === undefined ? [] : [`  ${[name, ...info.alias].join(', ')}`]),
    section(
      'Examples:',
      definition?.examples === undefined ? [] : [definition.examples.replace(/^\n|\s+$/g, '')],
    ),
    section('Available Commands:', commands),
    section('Flags:', renderFlags(own)),
    section('Global Flags:', isRoot ? [] : renderFlags(GLOBAL_FLAGS)),
    ...(visible.length === 0
      ? []
      : [`Use "${path} [command] --help" for more information about a command.\n`]),
  ];
  return sections.filter((text) => text !== '').join('\n');
}

function section(title: string, lines: readonly string[]): string {
  return lines.length === 0 ? '' : `${[title, ...lines].join('\n')}\n`;
}

function renderFlags(flags: FlagSet): readonly string[] {
  const rows = Object.entries(flags)
    .filter(([, flag]) => flag.hidden !== true && flag.deprecated === undefined)
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, flag]) => {
      const shorthand = flag.shorthand === undefined ? '    ' : `-${flag.shorthand}, `;
      const type = flag.kind === 'bool' ? '' : ` ${flag.kind}`;
      return { label: `  ${shorthand}--${name}${type}`, text: `${flag.help}${renderDefault(flag)}` };
    });
  const width = Math.max(...rows.map(({ label }) => label.length));
  return rows.map(({ label, text }) => `${label.padEnd(width)}   ${text}`);
}

/** ` (default X)`, unless it is what one gets from nothing: false, 0, '' or an empty list. */
function renderDefault(flag: Flag): string {
  const value: unknown = v.getDefault(flag.schema);
  if (value === undefined || value === false || value === 0 || value === '') return '';
  if (Array.isArray(value)) return value.length === 0 ? '' : ` (default [${value.join(',')}])`;
  if (flag.kind === 'duration' && typeof value === 'number') return ` (default ${formatDuration(value)})`;
  return ` (default ${typeof value === 'string' ? JSON.stringify(value) : String(value)})`;
}
