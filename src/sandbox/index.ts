export { containerSpec, EXTERNAL_NETWORK, transportEnvironment } from './container-spec.ts';
export {
  isBridgeMode,
  networkModeOf,
  networkProfile,
  withNetworkMode,
  withVolumes,
} from './permission-profile.ts';
export { parsePublish } from './publish.ts';
