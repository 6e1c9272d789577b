/** Variable with the digest of the token: see `tokenDigest`. */
export const DIGEST_VARIABLE = 'TOOLHIVE_SIDECAR_TOKEN_SHA256';
