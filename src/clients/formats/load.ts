import type { FormatName } from '../types.ts';
import type { SettingsFormat } from './types.ts';

/** Each brings a parser along, hence loaded when a file of the kind is opened. */
const FORMATS: Readonly<Record<FormatName, () => Promise<SettingsFormat>>> = {
  json: async () => (await import('./json.ts')).json,
  'yaml-map': async () => (await import('./yaml.ts')).yamlMap,
  'yaml-list': async () => (await import('./yaml.ts')).yamlList,
  'toml-table': async () => (await import('./toml.ts')).tomlTable,
  'toml-array': async () => (await import('./toml.ts')).tomlArray,
};

export function loadFormat(name: FormatName): Promise<SettingsFormat> {
  return FORMATS[name]();
}
