import { createGroup, lazily } from '../cli/index.ts';

const caCert = () => import('./config-ca-cert.ts');
const registry = () => import('./config-registry.ts');
const buildEnv = () => import('./config-build-env.ts');
const imageKey = () => import('./config-image-key.ts');
const buildAuthFile = () => import('./config-build-auth-file.ts');

export const config = createGroup('Manage the application configuration.', {
  'set-ca-cert': lazily(
    { description: 'Set the CA certificate that images are built with' },
    async () => (await caCert()).setCaCert,
  ),
  'get-ca-cert': lazily(
    { description: 'Show the CA certificate that images are built with' },
    async () => (await caCert()).getCaCert,
  ),
  'unset-ca-cert': lazily(
    { description: 'Build images without a CA certificate of your own' },
    async () => (await caCert()).unsetCaCert,
  ),
  'set-registry': lazily(
    { description: 'Set the registry that servers are run from' },
    async () => (await registry()).setRegistry,
  ),
  'get-registry': lazily(
    { description: 'Show the registry that servers are run from' },
    async () => (await registry()).getRegistry,
  ),
  'unset-registry': lazily(
    { description: 'Go back to the built-in registry' },
    async () => (await registry()).unsetRegistry,
  ),
  'set-registry-auth': lazily(
    { description: 'Set up a login for the registry', hidden: true },
    async () => (await registry()).setRegistryAuth,
  ),
  'unset-registry-auth': lazily(
    { description: 'Forget the login of the registry', hidden: true },
    async () => (await registry()).unsetRegistryAuth,
  ),
  'usage-metrics': lazily(
    { description: 'Allow or forbid usage metrics' },
    async () => (await import('./config-usage-metrics.ts')).usageMetrics,
  ),
  'set-build-env': lazily(
    { description: 'Set an environment variable for building images' },
    async () => (await buildEnv()).setBuildEnv,
  ),
  'get-build-env': lazily(
    { description: 'Show the environment variables for building images' },
    async () => (await buildEnv()).getBuildEnv,
  ),
  'unset-build-env': lazily(
    { description: 'Remove environment variables for building images' },
    async () => (await buildEnv()).unsetBuildEnv,
  ),
  'set-build-auth-file': lazily(
    { description: 'Set a file with credentials for building images' },
    async () => (await buildAuthFile()).setBuildAuthFile,
  ),
  'get-build-auth-file': lazily(
    { description: 'Show the files with credentials for building images' },
    async () => (await buildAuthFile()).getBuildAuthFile,
  ),
  'unset-build-auth-file': lazily(
    { description: 'Remove files with credentials for building images' },
    async () => (await buildAuthFile()).unsetBuildAuthFile,
  ),
  'set-image-key': lazily(
    { description: 'Set the public keys that images of your own are verified with' },
    async () => (await imageKey()).setImageKey,
  ),
  'get-image-key': lazily(
    { description: 'Show the public keys that images are verified with' },
    async () => (await imageKey()).getImageKey,
  ),
  'unset-image-key': lazily(
    { description: 'Remove public keys that images are verified with' },
    async () => (await imageKey()).unsetImageKey,
  ),
  otel: lazily(
    { description: 'Manage the OpenTelemetry settings that workloads start with' },
    async () => (await import('./config-otel.ts')).otel,
  ),
});
