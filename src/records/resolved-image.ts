import * as v from 'valibot';

const SHA256 = v.pipe(v.string(), v.regex(/^sha256:[0-9a-f]{64}$/, 'not sha256: and 64 hex digits'));

/** Where an image comes from. */
const ProvenanceSchema = v.variant('from', [
  v.looseObject({
    from: v.literal('registry'),
    /** What the registry knows the image by, and what its signatures are about. */
    manifest: SHA256,
  }),
  v.looseObject({
    from: v.literal('build'),
    /** The package or folder. */
    source: v.string(),
  }),
  /** The engine has it and knows no registry for it: it was loaded, or built by another program. */
  v.looseObject({ from: v.literal('engine') }),
]);

/** What `--image-verification` takes (spec 03 §12.4). */
export const VERIFICATION_MODES = ['warn', 'enabled', 'disabled'] as const;
export type VerificationMode = (typeof VERIFICATION_MODES)[number];

/** The image that a name meant when the workload was prepared. Its containers are created from this image from then on. */
export const ResolvedImageSchema = v.looseObject({
  /** The name as the document has it. */
  reference: v.string(),
  /** The engine's id of the image. It names the same bytes even after the tag has moved. */
  digest: SHA256,
  provenance: ProvenanceSchema,
  /** Its signature was verified, by what, and who signed: the subject of a certificate, '' for a key. */
  verified: v.optional(
    v.looseObject({ by: v.picklist(['key', 'provenance']), signer: v.optional(v.string(), '') }),
  ),
});
export type ResolvedImage = Readonly<v.InferOutput<typeof ResolvedImageSchema>>;

/** The resolved image of a document. `undefined` before it was resolved, and after another program changed `image`. */
export function resolvedImageOf(config: {
  readonly image: string;
  readonly resolved_image?: ResolvedImage | undefined;
}): ResolvedImage | undefined {
  const { image, resolved_image: resolved } = config;
  return resolved?.reference === image ? resolved : undefined;
}

/** The manifest that a document is bound to, because it is to run nothing that was not verified (spec 03 §15-B19). */
export function boundManifestOf(
  config: Parameters<typeof resolvedImageOf>[0] & {
    readonly image_verification?: VerificationMode | undefined;
  },
): string | undefined {
  const resolved = resolvedImageOf(config);
  if (config.image_verification !== 'enabled' || resolved?.verified === undefined) return undefined;
  return resolved.provenance.from === 'registry' ? resolved.provenance.manifest : undefined;
}
