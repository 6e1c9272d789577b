export { containerSpec, EXTERNAL_NETWORK, transportEnvironment } from './container-spec.ts';
export { deleteOverlays, makeOverlays, type Overlay, overlayFolder } from './ignore-overlays.ts';
export {
  isBridgeMode,
  type Mount,
  mountsOf,
  networkModeOf,
  networkProfile,
  volumesOf,
  withAbsoluteSources,
  withNetworkMode,
  withVolumes,
} from './permission-profile.ts';
export { checkProfile, readPermissionProfile } from './profile-file.ts';
export { formatPublish, type PublishedPort, parsePublish } from './publish.ts';
export { parseVolume, type Volume } from './volume.ts';
