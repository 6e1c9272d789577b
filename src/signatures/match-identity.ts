import { isDeepStrictEqual } from 'node:util';
import type { Provenance, Signer } from './types.ts';

const GITHUB_ACTIONS = 'https://token.actions.githubusercontent.com';

/** Whether the signer is who the registry says: everything that it says has to be equal (spec 03 §12.4-5). */
export function matchesProvenance(signer: Signer, expected: Provenance): boolean {
  const pairs = [
    [expected.repository_uri, signer.repositoryUri],
    [expected.repository_ref, signer.repositoryRef],
    [expected.runner_environment, signer.runnerEnvironment],
    [expected.cert_issuer, signer.issuer],
    [expected.signer_identity, signerIdentity(signer)],
  ];
  return pairs.every(([wanted, actual]) => wanted === '' || wanted === actual) && matchesAttestation();

  function matchesAttestation(): boolean {
    const { attestation: wanted } = expected;
    const { attestation: actual } = signer;
    if (wanted?.predicate === undefined || wanted.predicate === null || actual === undefined) return true;
    return (
      wanted.predicate_type === actual.predicateType && isDeepStrictEqual(wanted.predicate, actual.predicate)
    );
  }
}

/** The workflow in the repository, for GitHub's; any other subject as it is. */
function signerIdentity({ issuer, subject, repositoryUri }: Signer): string {
  if (issuer !== GITHUB_ACTIONS) return subject;
  const workflow = subject.split('@', 1)[0] ?? '';
  return repositoryUri !== '' && workflow.startsWith(repositoryUri)
    ? workflow.slice(repositoryUri.length)
    : workflow;
}
