export { type ImageReference, isLatest, parseImageReference } from './image-reference.ts';
export { openEngine } from './open-engine.ts';
export type {
  AttachedStdio,
  AttachReceiver,
  ContainerDetails,
  ContainerSpec,
  ContainerSummary,
  Engine,
  OutputChunk,
  PullProgress,
} from './types.ts';
