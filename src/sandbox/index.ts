export { containerSpec, RESTART_POLICY } from './container-spec.ts';
export {
  type Isolation,
  planDeployment,
  plannedInternalNetwork,
  sharedNetwork,
  transportEnvironment,
} from './deployment-plan.ts';
export {
  clearOverlays,
  deleteOverlays,
  makeOverlays,
  type Overlay,
  overlayFolder,
} from './ignore-overlays.ts';
export {
  addressesIn,
  type IsolationAddresses,
  internalNetwork,
  randomSubnet,
} from './isolation/addresses.ts';
export { deleteIsolationFiles, isolationFolder, writeIsolationFiles } from './isolation/files.ts';
export { dnsmasqConfig, squidEgressConfig, squidIngressConfig } from './isolation/squid-config.ts';
export {
  type Mount,
  mountsOf,
  networkProfile,
  profileOf,
  volumesOf,
  withAbsoluteSources,
  withNetworkMode,
  withVolumes,
} from './permission-profile.ts';
export {
  type DeploymentPlan,
  EXTERNAL_NETWORK,
  type PlannedContainer,
  type PlannedPort,
} from './planned.ts';
export { checkProfile, readPermissionProfile } from './profile-file.ts';
export { proxyEnvironment } from './proxy-environment.ts';
export { formatPublish, type PublishedPort, parsePublish } from './publish.ts';
export { parseVolume, type Volume } from './volume.ts';
