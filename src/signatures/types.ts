/** Who a registry says to have signed an image (spec 08 §2); empty texts say nothing. */
export interface Provenance {
  readonly sigstore_url: string;
  readonly repository_uri: string;
  readonly repository_ref: string;
  readonly signer_identity: string;
  readonly runner_environment: string;
  readonly cert_issuer: string;
  readonly attestation?: { readonly predicate_type: string; readonly predicate?: unknown } | undefined;
}

/** Who signed an image, as its certificate or its statement has it; '' for what is not said. */
export interface Signer {
  readonly subject: string;
  readonly issuer: string;
  readonly repositoryUri: string;
  readonly repositoryRef: string;
  readonly runnerEnvironment: string;
  readonly attestation?: { readonly predicateType: string; readonly predicate: unknown } | undefined;
}

/** One signature of an image as the registry has it. Nothing of it has been verified. */
export interface FoundSignature {
  /** Digest of the layer that it is in, for the log. */
  readonly place: string;
  /** A Sigstore bundle, decoded (sigstore/protobuf-specs, `Bundle`). */
  readonly bundle: unknown;
  /** The bytes that a signature without envelope is about. */
  readonly artifact: Buffer;
  /** Simple signing: what was signed names the image, and has been compared with it. */
  readonly namesImage: boolean;
}
