import type { RunConfig } from '../records/index.ts';

/** How the image of a package is built, as documents spell it (spec 03 §13.5). */
export type RuntimeOverride = NonNullable<RunConfig['runtime_config']>;

/** Without what says nothing: blank items, empty lists and maps. `undefined` when nothing is left. */
export function runtimeOverride(given: RuntimeOverride | null | undefined): RuntimeOverride | undefined {
  const image = given?.builder_image?.trim() ?? '';
  const items = (texts: readonly string[] | null | undefined) =>
    (texts ?? []).map((text) => text.trim()).filter((text) => text !== '');
  const packages = items(given?.additional_packages);
  const buildWith = items(given?.build_with);
  const environment = given?.runtime_env ?? {};
  const override = {
    ...(image === '' ? {} : { builder_image: image }),
    ...(packages.length === 0 ? {} : { additional_packages: packages }),
    ...(buildWith.length === 0 ? {} : { build_with: buildWith }),
    ...(Object.keys(environment).length === 0 ? {} : { runtime_env: environment }),
  };
  return Object.keys(override).length === 0 ? undefined : override;
}
