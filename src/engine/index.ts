export { type ImageReference, imageName, isLatest, parseImageReference } from './image-reference.ts';
export { type OpenEngineOptions, openEngine } from './open-engine.ts';
export type {
  AttachedStdio,
  AttachReceiver,
  ContainerDetails,
  ContainerSpec,
  ContainerSummary,
  Engine,
  ImageDetails,
  NetworkSummary,
  OutputChunk,
  PullProgress,
} from './types.ts';
