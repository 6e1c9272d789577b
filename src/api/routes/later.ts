import { textAnswer } from '../pipeline/respond.ts';
import type { Api } from '../types.ts';

/** Until there are skills and plugins, clients are to be told so, not that they mistyped (spec 10 §18). */
export function addLaterRoutes(api: Api): void {
  for (const kind of ['skills', 'plugins']) {
    const answer = () => textAnswer(501, `${kind} are not part of this version`);
    api.all(`/api/v1beta/${kind}`, answer);
    api.all(`/api/v1beta/${kind}/*`, answer);
  }
}
