import { createCommand, createGroup, formatFlag, lazily, parseFlagValue, printJson } from '../cli/index.ts';
import type { ApplicationConfig } from '../config/index.ts';
import { ThvError } from '../errors/index.ts';
import { openConfig } from './config-store.ts';

type Otel = NonNullable<ApplicationConfig['otel']>;

/** One setting of spec 01 §10: how it is read from an argument, kept, and spoken of. */
interface Setting {
  /** As in `set-NAME`. */
  readonly name: string;
  readonly description: string;
  readonly argument: string;
  /** The keys to change for an argument. Throws `ERR_INPUT_INVALID`. */
  parse(text: string): Partial<Otel>;
  /** What is in force, for `--format json`; `null` for nothing. */
  value(otel: Otel): unknown;
  isSet(otel: Otel): boolean;
  /** The keys to change to what is not set. */
  readonly cleared: Partial<Otel>;
  setText(otel: Otel): string;
  getText(otel: Otel): string;
  readonly removed: string;
  readonly notSet: string;
}

const FLOAT = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

const endpoint: Setting = {
  name: 'endpoint',
  description: 'endpoint',
  argument: 'ENDPOINT',
  parse(text) {
    const [, scheme, address = ''] = /^(https?:\/\/)?(.*)$/i.exec(text) ?? [];
    if (!URL.canParse(`http://${address}`) || /\s|^[/?#]/.test(address) || address === '')
      throw new ThvError('ERR_INPUT_INVALID', {
        reason: `invalid OpenTelemetry endpoint: ${JSON.stringify(text)} (expected host[:port])`,
      });
    // The scheme says how to speak to the endpoint (spec 01 §14-20); without one that stays as it is.
    if (scheme === undefined) return { endpoint: address };
    return { endpoint: address, insecure: scheme.toLowerCase() === 'http://' ? true : undefined };
  },
  value: (otel) => otel.endpoint || null,
  isSet: (otel) => Boolean(otel.endpoint),
  cleared: { endpoint: undefined },
  setText: (otel) => `Successfully set OpenTelemetry endpoint: ${otel.endpoint}`,
  getText: (otel) => `Current OpenTelemetry endpoint: ${otel.endpoint}`,
  removed: 'Successfully removed OpenTelemetry endpoint configuration.',
  notSet: 'No OpenTelemetry endpoint is currently configured.',
};

const samplingRate: Setting = {
  name: 'sampling-rate',
  description: 'sampling rate',
  argument: 'RATE',
  parse(text) {
    const invalid = (reason: string) => new ThvError('ERR_INPUT_INVALID', { reason });
    if (!FLOAT.test(text))
      throw invalid(
        `invalid sampling rate format: strconv.ParseFloat: parsing ${JSON.stringify(text)}: invalid syntax`,
      );
    const rate = Number(text);
    if (!(rate >= 0 && rate <= 1)) throw invalid('sampling rate must be between 0.0 and 1.0');
    return { 'sampling-rate': rate === 0 ? undefined : rate };
  },
  value: (otel) => otel['sampling-rate'] || null,
  isSet: (otel) => Boolean(otel['sampling-rate']),
  cleared: { 'sampling-rate': undefined },
  setText: (otel) => `Successfully set OpenTelemetry sampling rate: ${rateText(otel)}`,
  getText: (otel) => `Current OpenTelemetry sampling rate: ${rateText(otel)}`,
  removed: 'Successfully removed OpenTelemetry sampling rate configuration.',
  notSet: 'No OpenTelemetry sampling rate is currently configured.',
};

const environmentVariables: Setting = {
  name: 'env-vars',
  description: 'environment variables that are added to spans',
  argument: 'NAME[,NAME...]',
  parse(text) {
    const names = text
      .split(',')
      .map((name) => name.trim())
      .filter((name) => name !== '');
    if (names.length === 0)
      throw new ThvError('ERR_INPUT_INVALID', { reason: 'at least one environment variable must be named' });
    return { 'env-vars': names };
  },
  value: (otel) => otel['env-vars'] ?? [],
  isSet: (otel) => (otel['env-vars'] ?? []).length > 0,
  cleared: { 'env-vars': undefined },
  setText: (otel) => `Successfully set OpenTelemetry environment variables: ${namesText(otel)}`,
  getText: (otel) => `Current OpenTelemetry environment variables: ${namesText(otel)}`,
  removed: 'Successfully removed OpenTelemetry environment variables configuration.',
  notSet: 'No OpenTelemetry environment variables are currently configured.',
};

/** A signal is on for workloads unless it is set to false. */
function signalSetting(signal: 'metrics' | 'tracing'): Setting {
  const key = `${signal}-enabled` as const;
  const isEnabled = (otel: Otel) => otel[key] ?? true;
  return {
    name: key,
    description: `${signal} switch`,
    argument: 'BOOL',
    parse: (text) => ({ [key]: parseSwitch(text, `${signal} enabled flag`) }),
    value: isEnabled,
    isSet: (otel) => typeof otel[key] === 'boolean',
    cleared: { [key]: null },
    setText: (otel) => `Successfully set OpenTelemetry ${signal} enabled: ${otel[key]}`,
    getText: (otel) => `Current OpenTelemetry ${signal} enabled: ${isEnabled(otel)}`,
    removed: `Successfully unset OpenTelemetry ${signal} enabled configuration.`,
    notSet: `OpenTelemetry ${signal} enabled is not configured.`,
  };
}

interface SwitchTexts {
  /** In errors: `invalid boolean value for X: …`. */
  readonly flag: string;
  readonly set: string;
  readonly current: string;
  readonly removed: string;
  readonly notSet: string;
}

/** Unset means off; `false` is not stored. */
function switchSetting(key: 'insecure' | 'enable-prometheus-metrics-path', texts: SwitchTexts): Setting {
  const isOn = (otel: Otel) => otel[key] === true;
  return {
    name: key,
    description: texts.flag,
    argument: 'BOOL',
    parse: (text) => ({ [key]: parseSwitch(text, texts.flag) || undefined }),
    value: isOn,
    isSet: isOn,
    cleared: { [key]: undefined },
    setText: (otel) => `Successfully set ${texts.set}: ${isOn(otel)}`,
    getText: (otel) => `Current ${texts.current}: ${isOn(otel)}`,
    removed: texts.removed,
    notSet: texts.notSet,
  };
}

const SETTINGS: readonly Setting[] = [
  endpoint,
  samplingRate,
  environmentVariables,
  signalSetting('metrics'),
  signalSetting('tracing'),
  switchSetting('insecure', {
    flag: 'insecure flag',
    set: 'OpenTelemetry insecure transport',
    current: 'OpenTelemetry insecure transport',
    removed: 'Successfully disabled OpenTelemetry insecure transport configuration.',
    notSet: 'OpenTelemetry insecure transport is already disabled.',
  }),
  switchSetting('enable-prometheus-metrics-path', {
    flag: 'Prometheus metrics path flag',
    set: 'Prometheus metrics path',
    current: 'Prometheus metrics path flag',
    removed: 'Successfully disabled the Prometheus metrics path configuration.',
    notSet: 'Prometheus metrics path is already disabled.',
  }),
];

/** Switches have a state even when nobody set them. */
const ALWAYS_SHOWN = new Set([
  'metrics-enabled',
  'tracing-enabled',
  'insecure',
  'enable-prometheus-metrics-path',
]);

export const otel = createGroup(
  `Manage the OpenTelemetry settings that workloads start with. Flags of 'thv run' win over them.`,
  Object.fromEntries(
    SETTINGS.flatMap((setting) => [
      [
        `set-${setting.name}`,
        lazily({ description: `Set the OpenTelemetry ${setting.description}` }, async () =>
          createSetCommand(setting),
        ),
      ],
      [
        `get-${setting.name}`,
        lazily({ description: `Show the OpenTelemetry ${setting.description}` }, async () =>
          createGetCommand(setting),
        ),
      ],
      [
        `unset-${setting.name}`,
        lazily({ description: `Remove the OpenTelemetry ${setting.description}` }, async () =>
          createUnsetCommand(setting),
        ),
      ],
    ]),
  ),
);

function createSetCommand(setting: Setting) {
  return createCommand({
    usage: `${setting.argument} [flags]`,
    long: `Set the OpenTelemetry ${setting.description} that workloads start with.`,
    flags: {},
    positionals: { exactly: 1 },
    async run(invocation) {
      const change = setting.parse(invocation.words[0] ?? '');
      const { otel: after } = await (await openConfig(invocation)).update((config) =>
        changed(config, change),
      );
      invocation.terminal.out(`${setting.setText(after ?? {})}\n`);
    },
  });
}

function createGetCommand(setting: Setting) {
  return createCommand({
    usage: '[flags]',
    long: `Show the OpenTelemetry ${setting.description} that workloads start with.`,
    flags: { format: formatFlag(['json', 'text'], 'text') },
    positionals: 'none',
    async run(invocation) {
      const { options, terminal } = invocation;
      const current = (await (await openConfig(invocation)).read()).otel ?? {};
      if (options.format === 'json') return printJson(terminal, { [setting.name]: setting.value(current) });
      const isShown = ALWAYS_SHOWN.has(setting.name) || setting.isSet(current);
      terminal.out(`${isShown ? setting.getText(current) : setting.notSet}\n`);
    },
  });
}

function createUnsetCommand(setting: Setting) {
  return createCommand({
    usage: '[flags]',
    long: `Remove the OpenTelemetry ${setting.description} that workloads start with.`,
    flags: {},
    positionals: 'none',
    async run(invocation) {
      const store = await openConfig(invocation);
      const isSet = setting.isSet((await store.read()).otel ?? {});
      if (isSet) await store.update((config) => changed(config, setting.cleared));
      invocation.terminal.out(`${isSet ? setting.removed : setting.notSet}\n`);
    },
  });
}

/** Once there is a block, its three-way switches are in it, `null` when nobody set them (spec 09 §2.1). */
function changed(config: ApplicationConfig, change: Partial<Otel>): ApplicationConfig {
  const unset = { 'metrics-enabled': null, 'tracing-enabled': null, 'use-legacy-attributes': null };
  return { ...config, otel: { ...unset, ...config.otel, ...change } };
}

function parseSwitch(text: string, flag: string): boolean {
  const parsed = parseFlagValue('bool', text);
  if ('value' in parsed) return parsed.value === true;
  throw new ThvError('ERR_INPUT_INVALID', {
    reason: `invalid boolean value for ${flag}: ${parsed.problem}`,
  });
}

function rateText(otel: Otel): string {
  return (otel['sampling-rate'] ?? 0).toFixed(6);
}

function namesText(otel: Otel): string {
  return `[${(otel['env-vars'] ?? []).join(' ')}]`;
}
