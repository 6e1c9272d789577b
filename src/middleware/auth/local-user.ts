import { userInfo } from 'node:os';
import type { Identity } from '../../oidc/index.ts';

const VALID_SECONDS = 24 * 60 * 60;

/** Who calls a workload that asks for no token: the user whose process this is (spec 05 §6). */
export function createLocalUser(clock: () => number): Identity {
  const subject = userName();
  const name = `Local User: ${subject}`;
  const email = `${subject}@localhost`;
  return {
    kind: 'local',
    subject,
    platformUserId: undefined,
    name,
    email,
    delegation: undefined,
    token: undefined,
    owner: undefined,
    tools: undefined,
    /** As of the moment they are asked for. */
    get claims() {
      const iat = Math.floor(clock() / 1000);
      const times = { iat, nbf: iat, exp: iat + VALID_SECONDS };
      return { sub: subject, iss: 'toolhive-local', aud: 'toolhive', ...times, email, name };
    },
  };
}

function userName(): string {
  try {
    return userInfo().username || 'local';
  } catch {
    return 'local'; // a user id without an entry in the user database, as in many containers
  }
}
