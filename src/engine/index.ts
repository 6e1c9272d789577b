export {
  type ImageReference,
  imageName,
  isLatest,
  isSameImageId,
  parseImageReference,
} from './image-reference.ts';
export { openEngine } from './open-engine.ts';
export type {
  AttachedStdio,
  AttachReceiver,
  ContainerDetails,
  ContainerSpec,
  ContainerSummary,
  Engine,
  ImageDetails,
  OutputChunk,
  PullProgress,
  RegistryAccess,
} from './types.ts';
