import { messageOf } from '../errors/index.ts';
import type { Logger } from '../platform/index.ts';
import type { Descriptor, Manifest, RepositoryClient } from './registry-client.ts';
import { SIMPLE_SIGNING, simpleSignature } from './simple-signing.ts';
import type { FoundSignature } from './types.ts';

const BUNDLE = 'application/vnd.dev.sigstore.bundle';
const EMPTY = 'application/vnd.oci.empty.v1+json';
/** Most signatures looked at in one place: who can push to a repository can push many. */
const SIGNATURE_LIMIT = 50;

interface Image {
  /** `sha256:…` of its manifest. */
  readonly digest: string;
  /** The manifest itself. */
  readonly bytes: Buffer;
}

/**
 * The signatures of an image in its own repository: simple signing under the tag `sha256-<hex>.sig` first, bundles that refer to the
 * image second (spec 03 §12.4). Those that cannot be read are left out. Throws `ERR_HTTP` where the registry does not answer.
 */
export async function* findSignatures(
  repository: RepositoryClient,
  image: Image,
  logger: Logger,
): AsyncGenerator<readonly FoundSignature[]> {
  yield await collect(signatureLayers, ({ digest, annotations }) =>
    repository.getBlob(digest).then((payload) => simpleSignature(digest, annotations, payload, image.digest)),
  );
  yield await collect(referringBundles, bundleOf);

  async function collect(
    list: () => Promise<readonly Descriptor[]>,
    read: (descriptor: Descriptor) => Promise<FoundSignature | undefined>,
  ): Promise<readonly FoundSignature[]> {
    const found: FoundSignature[] = [];
    for (const descriptor of (await list()).slice(0, SIGNATURE_LIMIT)) {
      const signature = await read(descriptor);
      if (signature !== undefined) found.push(signature);
    }
    return found;
  }

  async function signatureLayers(): Promise<readonly Descriptor[]> {
    const manifest = await repository.findManifest(`${image.digest.replace(':', '-')}.sig`);
    return (manifest?.value.layers ?? []).filter(({ mediaType }) => mediaType === SIMPLE_SIGNING);
  }

  async function referringBundles(): Promise<readonly Descriptor[]> {
    const referrers = await repository.referrers(image.digest);
    return referrers.filter(({ artifactType }) => mayBeBundle(artifactType));
  }

  async function bundleOf({ digest, artifactType }: Descriptor): Promise<FoundSignature | undefined> {
    const manifest = (await repository.findManifest(digest))?.value;
    const [layer] = manifest?.layers ?? [];
    if (manifest === undefined || layer === undefined) return undefined;
    if (!artifactType.startsWith(BUNDLE) && !saysBundle(manifest)) return undefined;
    const text = (await repository.getBlob(layer.digest)).toString();
    try {
      return { place: layer.digest, bundle: JSON.parse(text), artifact: image.bytes, namesImage: false };
    } catch (error) {
      logger.debug('signature left out: it is not JSON', { digest, error: messageOf(error) });
      return undefined;
    }
  }
}

function mayBeBundle(artifactType: string): boolean {
  return artifactType.startsWith(BUNDLE) || artifactType === '' || artifactType === EMPTY;
}

/** Where the list of referrers does not say it, the manifest may. */
function saysBundle({ artifactType, config, layers }: Manifest): boolean {
  const said = [artifactType, config?.mediaType, config?.artifactType, layers[0]?.mediaType];
  return said.some((type) => type?.startsWith(BUNDLE));
}
