import { environmentNameProblem, environmentValueProblem, type RuntimeConfig } from '../config/index.ts';
import { parseImageReference } from '../engine/index.ts';
import { messageOf, ThvError } from '../errors/index.ts';
import type { Scheme } from './package-reference.ts';

/** How images of one scheme are built, everything decided (spec 03 §13.6). */
export interface RuntimeSettings {
  readonly builderImage: string;
  /** Base of the image that runs; differs from the builder only for Go. */
  readonly finalImage: string;
  readonly packages: readonly string[];
  /** Further Python requirements; uvx only. */
  readonly buildWith: readonly string[];
  /** Environment of the server, baked into the image. */
  readonly environment: Readonly<Record<string, string>>;
}

/** What may be given for one build, in the spelling of run configs and of `config.yaml`. */
export type RuntimeOverride = Partial<RuntimeConfig>;

/** The Alpine image that Go servers run on, pinned by digest (spec 03 §13.4). */
const GO_FINAL_IMAGE =
  'index.docker.io/library/alpine:3.23@sha256:5b10f432ef3da1b8d4c7eb6c487f2f5a8f096bc91145e68878dd4a5019afde11';

const DEFAULTS: Readonly<Record<Scheme, { readonly image: string; readonly packages: readonly string[] }>> = {
  uvx: { image: 'python:3.14-slim', packages: ['ca-certificates', 'git'] },
  npx: { image: 'node:24-alpine', packages: ['git', 'ca-certificates'] },
  go: { image: 'golang:1.26-alpine', packages: ['ca-certificates', 'git'] },
};

const LONGEST = 128;
const PACKAGE = '^[a-zA-Z0-9][a-zA-Z0-9._+\\-]*$';
const REQUIREMENT = '^[A-Za-z0-9][A-Za-z0-9._+\\[\\],<>=!~* -]*$';

/**
 * Flags over config file over defaults (spec 03 §15-B14). Throws `ERR_RUNTIME_CONFIG_INVALID` with all that is wrong in the first
 * of the two that has faults, a line each.
 */
export function resolveRuntimeSettings(
  scheme: Scheme,
  layers: { readonly flags?: RuntimeOverride | undefined; readonly file?: RuntimeOverride | undefined },
): RuntimeSettings {
  check(layers.flags, scheme, 'invalid runtime configuration');
  check(layers.file, scheme, `invalid runtime config in config file for ${scheme}`);
  const given = [layers.file, layers.flags].filter((layer) => layer != null);
  const { image, packages } = DEFAULTS[scheme];
  const last = <Value>(values: readonly (Value | null | undefined)[], fallback: Value): Value =>
    values.findLast((value) => value != null && value !== '') ?? fallback;
  const builderImage = last(
    given.map(({ builder_image }) => builder_image?.trim()),
    image,
  );
  return {
    builderImage,
    finalImage:
      scheme === 'go'
        ? last(
            given.map(({ final_image }) => final_image?.trim()),
            GO_FINAL_IMAGE,
          )
        : builderImage,
    packages: [
      ...new Set([...packages, ...given.flatMap(({ additional_packages }) => additional_packages ?? [])]),
    ],
    buildWith: last(
      given.map(({ build_with }) => (build_with?.length ? build_with : undefined)),
      [],
    ),
    environment: Object.assign(Object.create(null), ...given.map(({ runtime_env }) => runtime_env ?? {})),
  };
}

function check(layer: RuntimeOverride | undefined, scheme: Scheme, context: string): void {
  const problems = layer === undefined ? [] : problemsOf(layer, scheme);
  if (problems.length === 0) return;
  throw new ThvError('ERR_RUNTIME_CONFIG_INVALID', { reason: problems.join('\n') }, { context: [context] });
}

/** Everything that is wrong with a layer, one sentence each, worded as spec 03 §13.6 has it. */
function problemsOf(layer: RuntimeOverride, scheme: Scheme): readonly string[] {
  const requirements = layer.build_with ?? [];
  return [
    ...imageProblems('builder_image', layer.builder_image ?? ''),
    ...imageProblems('final_image', layer.final_image ?? ''),
    ...(layer.final_image && scheme !== 'go'
      ? [`final_image is not supported for ${scheme}:// builds (only go://)`]
      : []),
    ...(layer.additional_packages ?? []).flatMap((name) => textProblems(name, PACKAGE, 'package name')),
    ...(requirements.length > 0 && scheme !== 'uvx'
      ? [`build_with is not supported for ${scheme}:// builds (only uvx://)`]
      : []),
    ...requirements.flatMap((text) => textProblems(text, REQUIREMENT, 'build_with specifier')),
    ...Object.entries(layer.runtime_env ?? {}).flatMap(([name, value]) => environmentProblems(name, value)),
  ];
}

function imageProblems(key: string, image: string): readonly string[] {
  if (image === '') return [];
  if (image.trim() === '') return [`${key} is blank after trimming whitespace`];
  try {
    parseImageReference(image.trim());
    return [];
  } catch (error) {
    return [`invalid ${key} "${image}": ${messageOf(error)}`];
  }
}

function textProblems(text: string, pattern: string, what: string): readonly string[] {
  if (text.length > LONGEST) return [`${what} "${text}" exceeds maximum length of ${LONGEST} characters`];
  return new RegExp(pattern).test(text) ? [] : [`invalid ${what} "${text}": must match ${pattern}`];
}

function environmentProblems(name: string, value: string): readonly string[] {
  const ofName = environmentNameProblem(name);
  const ofValue = environmentValueProblem(value);
  return [
    ...(ofName?.kind === 'pattern'
      ? [`invalid runtime env key "${name}": must match ${ofName.pattern}`]
      : []),
    ...(ofName?.kind === 'reserved'
      ? [`runtime env key "${name}" is reserved and cannot be overridden`]
      : []),
    ...(ofValue === undefined
      ? []
      : [`runtime env value for key "${name}" contains potentially dangerous characters: "${ofValue}"`]),
  ];
}
