/** Labels of images that were built here. */

/** One word for all that went in: how an image is found again. */
export const KEY_LABEL = 'toolhive-build-key';
/** The package or folder it was built from. */
export const SOURCE_LABEL = 'toolhive-build-source';
/** When it was asked for, RFC 3339. */
export const TIME_LABEL = 'toolhive-build-time';
/** `true` when the same source means the same image tomorrow. */
export const PINNED_LABEL = 'toolhive-build-pinned';

/** How long an image of `latest` counts as the latest. */
export const FLOATING_LIFETIME_MS = 60 * 60_000;

type Labels = Readonly<Record<string, string>> | null | undefined;

/** The beginning of time for an image without the label. */
export function builtAt(labels: Labels): Date {
  return new Date(labels?.[TIME_LABEL] ?? 0);
}
