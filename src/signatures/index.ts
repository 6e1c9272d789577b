export { keyFingerprint, parseImageScope, parsePublicKeys } from './image-keys.ts';
export type { Provenance } from './types.ts';
export { type Verification, type Verified, verifyImage } from './verify-image.ts';
